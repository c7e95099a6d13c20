// The first half of the input says which fields to read from the second:
// nothing is read past the end, and what was read is written back to the bytes
// that it came from.
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "base/assert.h"
#include "base/wire.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  const std::size_t half = size / 2;
  const bulla::ByteView fields(data, half);
  const bulla::ByteView record(data + half, size - half);
  bulla::WireReader reader(record);
  bulla::WireWriter writer;
  std::size_t consumed = 0;
  for (const std::uint8_t field : fields) {
    const std::size_t written = writer.view().size();
    switch (field % 5) {
      case 0:
        writer.u8(reader.u8());
        break;
      case 1:
        writer.u32(reader.u32());
        break;
      case 2:
        writer.u64(reader.u64());
        break;
      case 3:
        writer.boolean(reader.boolean());
        break;
      default:
        writer.bytes(reader.bytes());
        break;
    }
    if (reader.failed()) {
      consumed = written;
      break;
    }
    consumed = writer.view().size();
  }
  BULLA_ASSERT(consumed <= record.size());
  BULLA_ASSERT(std::ranges::equal(writer.view().first(consumed),
                                  record.first(consumed)));
  const bool whole = !reader.failed() && reader.remaining() == 0;
  BULLA_ASSERT(reader.finish("record").has_value() == whole);
  return 0;
}
