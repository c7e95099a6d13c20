#include "cli/store_flag.h"

namespace bulla::cli {

Result<void> choose_api(Invocation& call) {
  const auto& config = call.flags().list("config");
  return config.empty() ? Result<void>{} : call.use_store(config);
}

int refuse_store(Invocation& call, const Error& error) {
  const bool in_use =
      error.message().find("in use by another process") != std::string::npos;
  return call.refuse("Error opening the store: " + error.message(),
                     in_use ? "stop the server, or leave out -config to ask "
                              "the one that runs"
                            : "");
}

}  // namespace bulla::cli
