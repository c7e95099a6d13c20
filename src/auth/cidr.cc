#include "auth/cidr.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

namespace bulla::auth {
namespace {

// IPv4 in its IPv6-mapped form, so that there is one kind to compare.
using Address = std::array<std::uint8_t, 16>;
constexpr unsigned kMappedBits = 96;

struct Block {
  Address address{};
  unsigned bits = 128;
};

struct Parsed {
  Address address{};
  bool v4 = false;
};

std::optional<Parsed> parse_address(std::string_view text) {
  const std::string copy(text);
  Parsed parsed;
  if (inet_pton(AF_INET, copy.c_str(), parsed.address.data() + 12) == 1) {
    parsed.address[10] = parsed.address[11] = 0xff;
    parsed.v4 = true;
    return parsed;
  }
  if (inet_pton(AF_INET6, copy.c_str(), parsed.address.data()) != 1) {
    return std::nullopt;
  }
  return parsed;
}

std::optional<Block> parse_block(std::string_view text) {
  const std::size_t slash = text.find('/');
  const auto parsed = parse_address(text.substr(0, slash));
  if (!parsed) return std::nullopt;
  Block block{parsed->address, 128};
  if (slash == std::string_view::npos) return block;
  const std::string_view digits = text.substr(slash + 1);
  unsigned bits = 0;
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), bits);
  if (error != std::errc() || end != digits.data() + digits.size() ||
      bits > (parsed->v4 ? 32U : 128U)) {
    return std::nullopt;
  }
  block.bits = parsed->v4 ? kMappedBits + bits : bits;
  return block;
}

bool contains(const Block& block, const Address& address) {
  const std::size_t whole = block.bits / 8;
  if (!std::equal(address.begin(), address.begin() + whole,
                  block.address.begin())) {
    return false;
  }
  const unsigned rest = block.bits % 8;
  if (rest == 0) return true;
  const unsigned mask = 0xffU << (8 - rest);
  return ((address[whole] ^ block.address[whole]) & mask & 0xffU) == 0;
}

}  // namespace

Result<std::string> parse_cidr(std::string_view text) {
  if (!parse_block(text)) {
    return fail(invalid_argument(fmt::format(
        "error parsing address \"{}\": it is no address or CIDR block", text)));
  }
  return std::string(text);
}

bool cidrs_contain(const std::vector<std::string>& blocks,
                   std::string_view address) {
  if (blocks.empty()) return true;
  const auto parsed = parse_address(address);
  if (!parsed) return false;
  return std::ranges::any_of(blocks, [&](const std::string& text) {
    const auto block = parse_block(text);
    return block && contains(*block, parsed->address);
  });
}

bool cidr_within(const std::vector<std::string>& blocks,
                 std::string_view block) {
  if (blocks.empty()) return true;
  const auto inner = parse_block(block);
  if (!inner) return false;
  return std::ranges::any_of(blocks, [&](const std::string& text) {
    const auto outer = parse_block(text);
    return outer && outer->bits <= inner->bits &&
           contains(*outer, inner->address);
  });
}

}  // namespace bulla::auth
