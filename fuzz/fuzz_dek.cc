// Stored DEKs, their keys, counts and jobs: what parses serialises to the same
// bytes. The first byte picks the kind of record.

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "base/assert.h"
#include "dek/dek_record.h"
#include "dek/job_record.h"
#include "engine/derive/derive.h"

namespace dek = bulla::dek;

namespace {

template <typename Record>
void check(bulla::ByteView bytes) {
  const auto record = Record::parse(bytes);
  if (!record) return;
  BULLA_ASSERT(std::ranges::equal(record->serialise().expose(), bytes));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  if (size == 0) return 0;
  const bulla::ByteView bytes(data + 1, size - 1);
  switch (data[0]) {
    case 'k':
      check<dek::KeyRing>(bytes);
      break;
    case 'c':
      check<dek::CountRecord>(bytes);
      break;
    case 'j':
      check<dek::Job>(bytes);
      break;
    case 's':
      check<bulla::engine::derive::DerivationSecret>(bytes);
      break;
    default:
      check<dek::DekInfo>(bytes);
  }
  return 0;
}
