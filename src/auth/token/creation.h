#pragma once

#include <string>
#include <vector>

#include "auth/token/token_role.h"
#include "auth/token_backend.h"

namespace bulla::auth {

/// One creation on its way from request to token. The steps of create_common()
/// fill `spec` in the order in which their errors are to be seen.
struct TokenBackend::Creation {
  const api::Request& request;
  const api::Context& context;
  bool orphan = false;              ///< By create-orphan.
  const TokenRole* role = nullptr;  ///< By create/:role.
  TokenSpec spec = {};
  std::vector<std::string> warnings = {};

  const api::Fields& fields() const { return request.fields; }
  const api::Token& parent() const { return *context.token; }
  /// Root, or the caller's policy grants sudo on this path.
  bool sudo() const { return context.sudo; }
  bool batch() const { return spec.type == api::Token::Type::kBatch; }
  bool makes_root() const {
    return spec.policies.size() == 1 && spec.policies.front() == "root";
  }
  bool no_default_policy() const {
    return fields().boolean("no_default_policy");
  }
};

/// A caller's own token id: "" is none. kInvalidArgument for one that could be
/// taken for a made one.
Result<void> check_custom_id(std::string_view id);

}  // namespace bulla::auth
