#include "snapshot/reader.h"

#include <fmt/format.h>

#include <algorithm>

namespace bulla::snapshot {
namespace {

constexpr std::size_t kLengthBytes = 4;

}  // namespace

Source source_of(const File& file) {
  return [&file,
          at = std::uint64_t{0}](ByteSpan out) mutable -> Result<std::size_t> {
    TRY_ASSIGN(const std::size_t got, file.read_at(at, out));
    at += got;
    return got;
  };
}

Source source_of(ByteView bytes) {
  return [bytes](ByteSpan out) mutable -> Result<std::size_t> {
    const std::size_t got = std::min(bytes.size(), out.size());
    std::copy_n(bytes.begin(), got, out.begin());
    bytes = bytes.subspan(got);
    return got;
  };
}

Error Reader::damaged(std::string_view what) const {
  return corrupt(fmt::format("the snapshot is damaged: {}, at byte {}", what,
                             summary_.bytes));
}

Result<Bytes> Reader::read(std::size_t bytes) {
  Bytes out(bytes);
  TRY_ASSIGN(const std::size_t got, source_(out));
  if (got != bytes) return fail(damaged("it ends too soon"));
  return out;
}

// The digest that follows `of`; both go into that of the whole.
Result<void> Reader::check_digest(ByteView of) {
  TRY_ASSIGN(const Bytes digest, read(crypto::kSha256Bytes));
  if (!std::ranges::equal(digest, crypto::sha256(of))) {
    return fail(damaged("a checksum does not hold"));
  }
  all_.update(of);
  all_.update(digest);
  summary_.bytes += of.size() + digest.size();
  return {};
}

Result<Reader> Reader::open(Source source) {
  Reader reader(std::move(source));
  TRY(reader.read_header());
  return reader;
}

Result<void> Reader::read_header() {
  Bytes head(kMagic.size() + 2 * kLengthBytes);
  TRY_ASSIGN(const std::size_t got, source_(head));
  if (got != head.size() || !as_text(head).starts_with(kMagic)) {
    return fail(corrupt("this is no snapshot of Bulla"));
  }
  const std::uint32_t format = get_be32(head.data() + kMagic.size());
  if (format > kFormat) {
    return fail(ErrorCode::kUnsupported,
                fmt::format("the snapshot is of format {}, which is newer than "
                            "this Bulla",
                            format));
  }
  const std::uint32_t length =
      get_be32(head.data() + kMagic.size() + kLengthBytes);
  if (format != kFormat || length > Header::kBytesMax) {
    return fail(damaged("an impossible header"));
  }
  TRY_ASSIGN(const Bytes record, read(length));
  head.insert(head.end(), record.begin(), record.end());
  TRY(check_digest(head));
  TRY_ASSIGN(header_, Header::parse(record));
  return {};
}

Result<bool> Reader::next_chunk() {
  if (!chunk_.empty()) {
    // Chunks are as long as the writer makes them, so that there is one file
    // for one content.
    last_chunk_ = chunk_.size() - kLengthBytes < kChunkBytes;
  }
  TRY_ASSIGN(chunk_, read(kLengthBytes));
  const std::uint32_t length = get_be32(chunk_.data());
  if (length == 0) {
    TRY(read_end(chunk_));
    return false;
  }
  if (length > kChunkBytesMax || last_chunk_) {
    return fail(damaged("a chunk of impossible length"));
  }
  TRY_ASSIGN(const Bytes entries, read(length));
  chunk_.insert(chunk_.end(), entries.begin(), entries.end());
  TRY(check_digest(chunk_));
  at_ = kLengthBytes;
  return true;
}

Result<void> Reader::read_end(ByteView length) {
  TRY_ASSIGN(const Bytes count, read(8));
  all_.update(length);
  all_.update(count);
  TRY_ASSIGN(const Bytes digest, read(crypto::kSha256Bytes));
  summary_.sha256 = all_.digest();
  if (!std::ranges::equal(digest, summary_.sha256)) {
    return fail(damaged("the checksum of the whole does not hold"));
  }
  summary_.bytes += length.size() + count.size() + digest.size();
  if (get_be64(count.data()) != summary_.entries) {
    return fail(damaged("it does not have as many entries as it says"));
  }
  std::array<std::uint8_t, 1> more{};
  TRY_ASSIGN(const std::size_t got, source_(more));
  if (got != 0) return fail(damaged("something follows its end"));
  ended_ = true;
  return {};
}

Result<ByteView> Reader::field(std::size_t bytes_min, std::size_t bytes_max) {
  if (at_ + kLengthBytes > chunk_.size()) {
    return fail(damaged("an entry is cut"));
  }
  const std::uint32_t length = get_be32(chunk_.data() + at_);
  at_ += kLengthBytes;
  if (length < bytes_min || length > bytes_max ||
      length > chunk_.size() - at_) {
    return fail(damaged("an entry of impossible length"));
  }
  const ByteView view = ByteView(chunk_).subspan(at_, length);
  at_ += length;
  return view;
}

Result<std::optional<Reader::Item>> Reader::next() {
  using storage::Storage;
  if (ended_) return std::nullopt;
  if (at_ == chunk_.size()) {
    TRY_ASSIGN(const bool more, next_chunk());
    if (!more) return std::nullopt;
  }
  if (at_ - kLengthBytes >= kChunkBytes) {
    return fail(damaged("a chunk of impossible length"));
  }
  Item item;
  TRY_ASSIGN(const ByteView path, field(1, Storage::kPathBytesMax));
  TRY_ASSIGN(item.value, field(0, Storage::kValueBytesMax));
  item.path = as_text(path);
  if (item.path <= last_path_) {
    return fail(damaged("its entries are out of order"));
  }
  last_path_ = item.path;
  ++summary_.entries;
  return item;
}

}  // namespace bulla::snapshot
