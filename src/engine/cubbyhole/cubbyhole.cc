#include "engine/cubbyhole/cubbyhole.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>

#include "base/json_writer.h"

namespace bulla::engine::cubbyhole {
namespace {

using api::Context;
using api::Operation;
using api::Request;
using api::Response;

// The drawer of whoever asks.
Result<std::string_view> drawer_of(const Context& context) {
  if (context.token == nullptr || context.token->hash.empty() ||
      context.token->type != api::Token::Type::kService) {
    return fail(invalid_argument(
        "cubbyhole operations are only supported by \"service\" type tokens"));
  }
  return context.token->hash;
}

std::string entry_path(std::string_view token_hash, std::string_view path) {
  return fmt::format("{}/{}", token_hash, path);
}

Result<std::size_t> list_limit(const api::Fields& fields) {
  const auto raw = fields.raw("limit");
  if (!raw) return std::size_t{0};
  TRY_ASSIGN(const std::int64_t limit, api::json_to_int(*raw));
  return static_cast<std::size_t>(std::max<std::int64_t>(limit, 0));
}

}  // namespace

CubbyholeBackend::CubbyholeBackend(const api::BackendContext& context)
    : storage_(context.storage) {
  const auto method = [this](Operation operation, auto member) {
    return api::Method{
        .operation = operation,
        .cost = api::Cost::kPool,
        .handler = [this, member](const Request& request, Context& around) {
          return (this->*member)(request, around);
        }};
  };
  // Of any type, since the members of what is written are the caller's own.
  routes_.push_back(
      {.pattern = "*path",
       .fields = {{.name = "path", .description = "Where in the drawer."},
                  {.name = "after",
                   .type = api::FieldType::kAny,
                   .description = "List names after this one."},
                  {.name = "limit",
                   .type = api::FieldType::kAny,
                   .description = "At most so many names.",
                   .default_text = "0"}},
       .methods = {method(Operation::kRead, &CubbyholeBackend::get),
                   method(Operation::kUpdate, &CubbyholeBackend::put),
                   method(Operation::kDelete, &CubbyholeBackend::remove),
                   method(Operation::kList, &CubbyholeBackend::list)},
       .exists = [this](const Request& request,
                        Context& around) { return exists(request, around); },
       .synopsis = "Keeps what the calling token alone can read."});
}

std::string_view CubbyholeBackend::help() const {
  return "The cubbyhole keeps arbitrary entries for each token, which go when "
         "the token does.";
}

Result<void> CubbyholeBackend::drop(std::string_view token_hash) {
  if (token_hash.empty()) return {};
  return storage_.sub(entry_path(token_hash, {})).clear();
}

Result<std::optional<std::string>> CubbyholeBackend::read(
    std::string_view token_hash, std::string_view path) const {
  TRY_ASSIGN(const auto entry, storage_.get(entry_path(token_hash, path)));
  if (!entry) return std::optional<std::string>();
  return to_text(entry->value.expose());
}

Result<void> CubbyholeBackend::write(std::string_view token_hash,
                                     std::string_view path,
                                     std::string_view json) const {
  return storage_.put(entry_path(token_hash, path), as_bytes(json));
}

Result<bool> CubbyholeBackend::exists(const Request& request,
                                      const Context& context) const {
  TRY_ASSIGN(const std::string_view drawer, drawer_of(context));
  if (!context.may_block) return fail(would_block());
  TRY_ASSIGN(const auto entry,
             storage_.get(entry_path(drawer, request.param("path"))));
  return entry.has_value();
}

Result<Response> CubbyholeBackend::get(const Request& request,
                                       const Context& context) const {
  TRY_ASSIGN(const std::string_view drawer, drawer_of(context));
  TRY_ASSIGN(auto json, read(drawer, request.param("path")));
  if (!json) return Response::none();
  return Response::with_data(*std::move(json));
}

Result<Response> CubbyholeBackend::put(const Request& request,
                                       const Context& context) const {
  TRY_ASSIGN(const std::string_view drawer, drawer_of(context));
  const std::string_view path = request.param("path");
  if (path.empty()) return fail(invalid_argument("missing path"));
  const auto& body = request.fields.body();
  if (!body || body->size() == 0) {
    return fail(internal_error("missing data fields"));
  }
  const std::string json = json_text(*body);
  if (json.size() > barrier::Barrier::kValueBytesMax) {
    return fail(Error(ErrorCode::kTooLarge, "the entry is too large"));
  }
  TRY(write(drawer, path, json));
  return Response::none();
}

Result<Response> CubbyholeBackend::remove(const Request& request,
                                          const Context& context) const {
  TRY_ASSIGN(const std::string_view drawer, drawer_of(context));
  const std::string_view path = request.param("path");
  if (path.empty()) return fail(invalid_argument("missing path"));
  TRY(storage_.remove(entry_path(drawer, path)));
  return Response::none();
}

Result<Response> CubbyholeBackend::list(const Request& request,
                                        const Context& context) const {
  TRY_ASSIGN(const std::string_view drawer, drawer_of(context));
  std::string prefix = entry_path(drawer, request.param("path"));
  if (!prefix.ends_with('/')) prefix += '/';
  TRY_ASSIGN(const std::size_t limit, list_limit(request.fields));
  TRY_ASSIGN(const auto names,
             storage_.list(prefix, request.fields.text("after"), limit));
  if (names.empty()) return Response::none();
  std::string data;
  JsonWriter(data).begin_object().key("keys").strings(names).end_object();
  return Response::with_data(std::move(data));
}

}  // namespace bulla::engine::cubbyhole
