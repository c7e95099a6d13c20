#include "crypto/pem.h"

#include <algorithm>
#include <cstring>

#include "base/encoding.h"

namespace bulla::crypto {
namespace {

constexpr std::string_view kBegin = "-----BEGIN ";
constexpr std::string_view kEnd = "-----END ";
constexpr std::string_view kDashes = "-----";
constexpr std::size_t kLineChars = 64;

// Writes a block to a buffer that has room for it.
class BlockWriter {
 public:
  explicit BlockWriter(char* out) : out_(out) {}
  void text(std::string_view text) {
    std::memcpy(out_, text.data(), text.size());
    out_ += text.size();
  }
  void boundary(std::string_view begin, std::string_view label) {
    text(begin);
    text(label);
    text(kDashes);
    text("\n");
  }
  void body(std::string_view base64) {
    for (; !base64.empty();
         base64.remove_prefix(std::min(kLineChars, base64.size()))) {
      text(base64.substr(0, kLineChars));
      text("\n");
    }
  }

 private:
  char* out_;
};

std::size_t encoded_size(std::string_view label, std::size_t base64) {
  return kBegin.size() + kEnd.size() + 2 * (label.size() + kDashes.size() + 1) +
         base64 + (base64 + kLineChars - 1) / kLineChars;
}

void write_block(char* out, std::string_view label, std::string_view base64) {
  BlockWriter writer(out);
  writer.boundary(kBegin, label);
  writer.body(base64);
  writer.boundary(kEnd, label);
}

// Where a line that begins with `begin` starts.
std::size_t find_line(std::string_view text, std::string_view begin) {
  std::size_t at = text.find(begin);
  while (at != std::string_view::npos && at != 0 && text[at - 1] != '\n') {
    at = text.find(begin, at + 1);
  }
  return at;
}

}  // namespace

std::optional<PemBlock> next_pem_block(std::string_view& text) {
  const std::size_t begin = find_line(text, kBegin);
  if (begin == std::string_view::npos) return std::nullopt;
  std::string_view rest = text.substr(begin + kBegin.size());
  PemBlock block;
  const std::size_t label_end = rest.find(kDashes);
  if (label_end == std::string_view::npos) return std::nullopt;
  block.label = rest.substr(0, label_end);
  if (block.label.find('\n') != std::string_view::npos) return std::nullopt;
  rest.remove_prefix(label_end + kDashes.size());
  const std::size_t end = find_line(rest, kEnd);
  if (end == std::string_view::npos) return std::nullopt;
  block.base64 = rest.substr(0, end);
  rest.remove_prefix(end + kEnd.size());
  if (!rest.starts_with(block.label) ||
      !rest.substr(block.label.size()).starts_with(kDashes)) {
    return std::nullopt;
  }
  text = rest.substr(block.label.size() + kDashes.size());
  return block;
}

std::optional<Bytes> pem_contents(const PemBlock& block) {
  std::string base64;
  base64.reserve(block.base64.size());
  for (const char c : block.base64) {
    if (c != ' ' && c != '\t') base64.push_back(c);
  }
  auto decoded = base64_decode(base64);
  if (!decoded || decoded->empty()) return std::nullopt;
  return *std::move(decoded);
}

std::string pem_encode(std::string_view label, ByteView der) {
  const std::string base64 = base64_encode(der);
  std::string out(encoded_size(label, base64.size()), '\0');
  write_block(out.data(), label, base64);
  return out;
}

SecretBytes pem_encode_secret(std::string_view label, const SecretBytes& der) {
  SecretBytes base64(base64_encoded_size(der.size()));
  base64_encode_to(der.expose(),
                   reinterpret_cast<char*>(base64.expose_mutable().data()));
  SecretBytes out(encoded_size(label, base64.size()));
  write_block(reinterpret_cast<char*>(out.expose_mutable().data()), label,
              as_text(base64.expose()));
  return out;
}

}  // namespace bulla::crypto
