#include "snapshot/writer.h"

#include "base/assert.h"
#include "seal/seal_config.h"

namespace bulla::snapshot {
namespace {

void append_be32(Bytes& out, std::size_t value) {
  std::array<std::uint8_t, 4> bytes{};
  put_be32(bytes.data(), static_cast<std::uint32_t>(value));
  out.insert(out.end(), bytes.begin(), bytes.end());
}

void append(Bytes& out, ByteView bytes) {
  append_be32(out, bytes.size());
  out.insert(out.end(), bytes.begin(), bytes.end());
}

// The entries below `prefix`, in order.
Result<std::vector<seal::Passkey>> passkeys_in(storage::Snapshot& snapshot) {
  std::vector<seal::Passkey> found;
  snapshot.seek(seal::Passkey::kPrefix);
  while (true) {
    TRY_ASSIGN(const auto item, snapshot.next());
    if (!item || !item->path.starts_with(seal::Passkey::kPrefix)) return found;
    if (found.size() == seal::Passkey::kCountMax) return found;
    // A damaged one opens nothing, and must not keep the rest from being kept.
    auto passkey = seal::Passkey::parse(
        item->path.substr(seal::Passkey::kPrefix.size()), item->value);
    if (passkey) found.push_back(*std::move(passkey));
  }
}

Result<Header> header_of(storage::Snapshot& snapshot) {
  snapshot.seek(seal::SealConfig::kPath);
  TRY_ASSIGN(const auto item, snapshot.next());
  if (!item || item->path != seal::SealConfig::kPath) {
    return fail(invalid_argument("Vault is not initialized"));
  }
  TRY_ASSIGN(const auto config, seal::SealConfig::parse(item->value));
  Header header;
  header.installation = config.installation;
  TRY_ASSIGN(const auto passkeys, passkeys_in(snapshot));
  for (const auto& passkey : passkeys) {
    header.passkeys.push_back(PasskeyInfo::of(passkey));
  }
  return header;
}

}  // namespace

Result<void> Writer::put(ByteView bytes) {
  all_.update(bytes);
  summary_.bytes += bytes.size();
  return sink_(bytes);
}

Result<Writer> Writer::begin(Sink sink, const Header& header) {
  const Bytes record = header.serialise();
  BULLA_ASSERT(record.size() <= Header::kBytesMax);
  Bytes head = to_bytes(kMagic);
  append_be32(head, kFormat);
  append(head, record);
  Writer writer(std::move(sink));
  TRY(writer.put(head));
  TRY(writer.put(crypto::sha256(head)));
  append_be32(writer.chunk_, 0);
  return writer;
}

Result<void> Writer::add(std::string_view path, ByteView value) {
  append(chunk_, as_bytes(path));
  append(chunk_, value);
  ++summary_.entries;
  return chunk_.size() - 4 >= kChunkBytes ? end_chunk() : Result<void>{};
}

Result<void> Writer::end_chunk() {
  put_be32(chunk_.data(), static_cast<std::uint32_t>(chunk_.size() - 4));
  TRY(put(chunk_));
  TRY(put(crypto::sha256(chunk_)));
  chunk_.resize(4);
  return {};
}

Result<Summary> Writer::finish() {
  if (chunk_.size() > 4) TRY(end_chunk());
  std::array<std::uint8_t, 12> end{};
  put_be64(end.data() + 4, summary_.entries);
  TRY(put(end));
  summary_.sha256 = all_.digest();
  TRY(put(summary_.sha256));
  return summary_;
}

Result<Summary> take(storage::Storage& storage, std::string_view server_version,
                     Time now, Sink sink) {
  TRY_ASSIGN(const auto snapshot, storage.snapshot());
  TRY_ASSIGN(auto header, header_of(*snapshot));
  header.taken = now;
  header.server_version = server_version;
  header.storage = storage.kind();
  TRY_ASSIGN(auto writer, Writer::begin(std::move(sink), header));
  snapshot->seek({});
  while (true) {
    TRY_ASSIGN(const auto item, snapshot->next());
    if (!item) return writer.finish();
    TRY(writer.add(item->path, item->value));
  }
}

}  // namespace bulla::snapshot
