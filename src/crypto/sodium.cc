#include "crypto/sodium.h"

#include <sodium.h>

#include "base/assert.h"

namespace bulla::crypto {

void init_sodium() {
  static const int status = ::sodium_init();
  BULLA_ASSERT(status >= 0);
}

}  // namespace bulla::crypto
