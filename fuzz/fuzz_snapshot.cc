// What reads to its end as a snapshot is what the writer writes of its entries.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "snapshot/check.h"
#include "snapshot/reader.h"
#include "snapshot/writer.h"

namespace {

using bulla::Bytes;
using bulla::ByteView;
namespace snapshot = bulla::snapshot;

// The digests would keep a fuzzer out: it gets the same bytes with the digests
// of header, chunks and end made to hold, where there is such a frame.
class Mender {
 public:
  explicit Mender(Bytes bytes) : bytes_(std::move(bytes)) {}

  Bytes mend() && {
    constexpr std::size_t kHead = 16;
    if (bytes_.size() < kHead) return std::move(bytes_);
    if (!put_digest(0, kHead + bulla::get_be32(bytes_.data() + 12))) {
      return std::move(bytes_);
    }
    while (at_ + 4 <= bytes_.size()) {
      const std::uint32_t length = bulla::get_be32(bytes_.data() + at_);
      if (length == 0) {
        put_digest(0, at_ + 12);
        break;
      }
      if (!put_digest(at_, at_ + 4 + length)) break;
    }
    return std::move(bytes_);
  }

 private:
  bool put_digest(std::size_t from, std::size_t to) {
    if (to > bytes_.size() || bytes_.size() - to < 32) return false;
    const auto digest =
        bulla::crypto::sha256(ByteView(bytes_).subspan(from, to - from));
    std::copy(digest.begin(), digest.end(),
              bytes_.begin() + static_cast<std::ptrdiff_t>(to));
    at_ = to + 32;
    return true;
  }

  Bytes bytes_;
  std::size_t at_ = 0;
};

void check_round_trip(ByteView bytes) {
  auto reader = snapshot::Reader::open(snapshot::source_of(bytes));
  if (!reader) return;
  Bytes again;
  auto writer = snapshot::Writer::begin(
      [&again](ByteView piece) {
        again.insert(again.end(), piece.begin(), piece.end());
        return bulla::Result<void>{};
      },
      reader->header());
  while (true) {
    const auto item = reader->next();
    if (!item) return;
    if (!*item) break;
    if (!writer->add((*item)->path, (*item)->value)) std::abort();
  }
  if (!writer->finish()) std::abort();
  if (again != bulla::to_bytes(bytes)) std::abort();
  static_cast<void>(snapshot::check(snapshot::source_of(bytes)));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  const ByteView bytes(data, size);
  check_round_trip(bytes);
  check_round_trip(Mender(bulla::to_bytes(bytes)).mend());
  return 0;
}
