#include <algorithm>
#include <array>
#include <map>

#include "base/json_writer.h"
#include "server/sys/handlers.h"
#include "server/sys/sys_backend.h"

namespace bulla::server {
namespace {

constexpr std::size_t kPathsMax = 1000;

struct Word {
  api::Capabilities bit;
  std::string_view name;
};
constexpr std::array<Word, 8> kWords{{{api::kCapCreate, "create"},
                                      {api::kCapDelete, "delete"},
                                      {api::kCapList, "list"},
                                      {api::kCapPatch, "patch"},
                                      {api::kCapRead, "read"},
                                      {api::kCapScan, "scan"},
                                      {api::kCapSudo, "sudo"},
                                      {api::kCapUpdate, "update"}}};

std::vector<std::string_view> words_of(api::Capabilities capabilities) {
  if ((capabilities & api::kCapRoot) != 0) return {"root"};
  if ((capabilities & api::kCapDeny) != 0) return {"deny"};
  std::vector<std::string_view> words;
  for (const Word& word : kWords) {
    if ((capabilities & word.bit) != 0) words.push_back(word.name);
  }
  if (words.empty()) return {"deny"};
  return words;
}

// Said in the wrapping of what failed on the way, as in OpenBao.
Error wrapped(std::string_view text) {
  return invalid_argument("1 error occurred:\n\t* " + std::string(text) +
                          "\n\n");
}

// Clients name one path with `path`, several with `paths`.
Result<std::vector<std::string>> paths_of(const api::Request& request) {
  auto paths = request.fields.strings("paths");
  if (paths.empty()) paths = request.fields.strings("path");
  if (paths.empty()) return fail(invalid_argument("paths must be supplied"));
  if (paths.size() > kPathsMax) {
    return fail(invalid_argument("at most 1000 paths can be asked at once"));
  }
  if (std::ranges::count(paths, "") != 0) return fail(wrapped("missing path"));
  return paths;
}

Result<api::Response> answer(Core& core, const api::Request& request,
                             const api::Token& token) {
  TRY_ASSIGN(const auto paths, paths_of(request));
  TRY_ASSIGN(const auto acl, core.acl_of(token, true));
  std::map<std::string, std::vector<std::string_view>> found;
  for (const std::string& path : paths) {
    std::string_view bare = path;
    if (bare.starts_with('/')) bare.remove_prefix(1);
    found[path] = words_of(acl->capabilities(bare));
  }
  if (paths.size() == 1) found["capabilities"] = found.begin()->second;
  std::string json;
  JsonWriter out(json);
  out.begin_object();
  for (const auto& [path, words] : found) out.key(path).strings(words);
  out.end_object();
  return duplicated(std::move(json));
}

Result<api::Response> of_self(Core& core, const api::Request& request,
                              api::Context& context) {
  if (!context.token) return fail(permission_denied());
  return answer(core, request, *context.token);
}

Result<api::Response> of_token(Core& core, const api::Request& request,
                               api::Context&) {
  const std::string_view token = request.fields.text("token");
  if (token.empty()) return fail(internal_error("no token found"));
  TRY(paths_of(request));
  // An unknown token is the caller's mistake here, not a refusal of the caller.
  const auto found = core.tokens().lookup(token, true);
  if (!found) {
    if (found.error().code() == ErrorCode::kPermissionDenied) {
      return fail(wrapped("invalid token"));
    }
    return fail(found.error());
  }
  return answer(core, request, **found);
}

Result<api::Response> of_accessor(Core& core, const api::Request& request,
                                  api::Context&) {
  const std::string_view accessor = request.fields.text("accessor");
  if (accessor.empty()) return fail(invalid_argument("missing accessor"));
  TRY(paths_of(request));
  const auto found = core.tokens().lookup_accessor(accessor);
  if (!found) {
    if (found.error().code() == ErrorCode::kInvalidArgument) {
      return fail(wrapped("invalid accessor"));
    }
    return fail(found.error());
  }
  return answer(core, request, **found);
}

std::vector<api::Field> fields(std::string_view subject,
                               std::string_view description) {
  using api::FieldType;
  std::vector<api::Field> all{
      {"path", FieldType::kCommaStringSlice, "Older name of `paths`."},
      {"paths",
       FieldType::kCommaStringSlice,
       "The paths asked about.",
       {},
       true}};
  if (!subject.empty()) {
    all.push_back({subject, FieldType::kString, description, {}, true});
  }
  return all;
}

}  // namespace

void add_capability_routes(Core& core, Routes& routes) {
  using api::Operation;
  constexpr std::string_view kSummary = "Tells what is granted on paths.";
  routes.push_back(
      {.pattern = "capabilities",
       .fields = fields("token", "The token asked about."),
       .methods = {method(core, Operation::kUpdate, of_token, kSummary)},
       .synopsis = "What a token may do on paths."});
  routes.push_back(
      {.pattern = "capabilities-self",
       .fields = fields({}, {}),
       .methods = {method(core, Operation::kUpdate, of_self, kSummary)},
       .synopsis = "What the caller may do on paths."});
  routes.push_back(
      {.pattern = "capabilities-accessor",
       .fields = fields("accessor", "The accessor of the token asked about."),
       .methods = {method(core, Operation::kUpdate, of_accessor, kSummary)},
       .synopsis = "What an accessor's token may do on paths."});
}

}  // namespace bulla::server
