#pragma once

#include "dek/records.h"

namespace bulla::dek {

/// Where nothing keeps records: answers kInternal to everything.
class NoRecords final : public RecordCipher {
 public:
  Result<SealedBody> seal(std::string_view, std::string_view,
                          ByteView) override {
    return fail(internal_error("no records are kept here"));
  }
  Result<SecretBytes> open(std::string_view, std::string_view,
                           ByteView) override {
    return fail(internal_error("no records are kept here"));
  }
};

}  // namespace bulla::dek
