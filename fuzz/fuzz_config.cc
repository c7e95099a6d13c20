// Any text gives a configuration, whose sanitised form is JSON, or an error
// that names the file.
#include <cstddef>
#include <cstdint>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/json.h"
#include "server/config.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  namespace server = bulla::server;
  auto config = server::parse_config(bulla::as_text({data, size}), "f.hcl");
  if (!config) {
    BULLA_ASSERT(config.error().code() == bulla::ErrorCode::kInvalidArgument);
    BULLA_ASSERT(config.error().message().starts_with("f.hcl:"));
    return 0;
  }
  static_cast<void>(server::check_config(*config));
  bulla::JsonParser parser;
  BULLA_ASSERT(bulla::parse_json(parser, server::sanitized_json(*config)));
  server::wipe_seal_options(*config);
  return 0;
}
