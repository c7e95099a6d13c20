#pragma once

#include <string_view>
#include <vector>

#include "api/backend.h"

namespace bulla::engine::cubbyhole {

/// Each service token's own drawer (reference/kv.md §5): what is put in is
/// seen by that token alone, and goes with it. Entries are JSON text at
/// `<token hash>/<path>`.
class CubbyholeBackend final : public api::Backend {
 public:
  static constexpr std::string_view kType = "cubbyhole";

  explicit CubbyholeBackend(const api::BackendContext& context);

  std::string_view type() const override { return kType; }
  const std::vector<api::Route>& routes() const override { return routes_; }
  std::string_view help() const override;

  /// Empties the drawer of a token that is no more. Any thread; blocks.
  /// Errors of storage and the barrier.
  Result<void> drop(std::string_view token_hash);

  /// What handlers do, for response wrapping too, which keeps its payload in
  /// the wrapping token's drawer: the JSON text at `path`, absent or not.
  Result<std::optional<std::string>> read(std::string_view token_hash,
                                          std::string_view path) const;
  /// `json`: one JSON object, at most barrier::Barrier::kValueBytesMax bytes.
  Result<void> write(std::string_view token_hash, std::string_view path,
                     std::string_view json) const;

 private:
  using Answer = Result<api::Response>;

  Answer get(const api::Request& request, const api::Context& context) const;
  Answer put(const api::Request& request, const api::Context& context) const;
  Answer list(const api::Request& request, const api::Context& context) const;
  Answer remove(const api::Request& request, const api::Context& context) const;
  Result<bool> exists(const api::Request& request,
                      const api::Context& context) const;

  barrier::View storage_;
  std::vector<api::Route> routes_;
};

}  // namespace bulla::engine::cubbyhole
