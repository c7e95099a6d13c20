// etcd's answers: what is framed and parsed stays within the text, and a
// message of numbers and bytes serialises to fields that parse to the same.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "storage/etcd_client.h"
#include "storage/etcd_messages.h"

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

void round_trip(std::string_view text) {
  using namespace bulla::storage;
  ProtoWriter again;
  ProtoReader reader(text);
  while (true) {
    const auto field = reader.next();
    if (!field || !*field) break;
    const auto& [number, value, bytes] = **field;
    if (bytes.empty()) {
      again.number(number, value);
    } else {
      again.bytes(number, bytes);
    }
  }
  ProtoReader first(text);
  ProtoReader second(again.text());
  while (true) {
    const auto a = first.next();
    if (!a || !*a) break;
    const auto b = second.next();
    require(b && *b && (*a)->value == (*b)->value &&
            (*a)->bytes == (*b)->bytes);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  using namespace bulla::storage;
  const void* raw = data;
  const std::string_view text(static_cast<const char*>(raw), size);
  round_trip(text);
  static_cast<void>(parse_range(text));
  static_cast<void>(parse_txn(text));
  static_cast<void>(parse_watch(text));
  static_cast<void>(parse_lease(text));
  std::string buffer(text);
  for (auto before = buffer.size();; before = buffer.size()) {
    const auto message = EtcdClient::take_message(buffer);
    if (!message || !*message) break;
    require((*message)->size() + buffer.size() < before);
  }
  return 0;
}
