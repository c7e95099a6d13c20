#include "api/field_convert.h"
#include "auth/identity/entity.h"

namespace bulla::auth {
namespace {

Error no_value() { return not_found("the template has no value"); }

Result<std::string> of_map(const std::map<std::string, std::string>& map,
                           std::string_view name) {
  const auto found = map.find(std::string(name));
  if (found == map.end()) return fail(no_value());
  return found->second;
}

// "ACCESSOR.name", "ACCESSOR.id", "ACCESSOR.metadata.K".
Result<std::string> of_alias(const Entity& entity, std::string_view rest) {
  const std::size_t dot = rest.find('.');
  if (dot == std::string_view::npos) return fail(no_value());
  const std::string_view accessor = rest.substr(0, dot);
  const std::string_view what = rest.substr(dot + 1);
  for (const Alias& alias : entity.aliases) {
    if (alias.mount_accessor != accessor) continue;
    if (what == "id") return alias.id;
    if (what == "name") return alias.name;
    constexpr std::string_view kMetadata = "metadata.";
    if (!what.starts_with(kMetadata)) return fail(no_value());
    return of_map(alias.metadata, what.substr(kMetadata.size()));
  }
  return fail(no_value());
}

Result<std::string> value_of(const Entity& entity, std::string_view name) {
  constexpr std::string_view kMetadata = "identity.entity.metadata.";
  constexpr std::string_view kAliases = "identity.entity.aliases.";
  if (name == "identity.entity.id") return entity.id;
  if (name == "identity.entity.name") return entity.name;
  if (name.starts_with(kMetadata)) {
    return of_map(entity.metadata, name.substr(kMetadata.size()));
  }
  if (name.starts_with(kAliases)) {
    return of_alias(entity, name.substr(kAliases.size()));
  }
  return fail(no_value());
}

}  // namespace

Result<std::string> fill_template(std::string_view text, const Entity& entity) {
  std::string out;
  while (true) {
    const std::size_t open = text.find("{{");
    out.append(text.substr(0, open));
    if (open == std::string_view::npos) return out;
    const std::size_t close = text.find("}}", open);
    if (close == std::string_view::npos) return fail(no_value());
    const auto name = api::trimmed(text.substr(open + 2, close - open - 2));
    TRY_ASSIGN(const std::string value, value_of(entity, name));
    if (value.empty()) return fail(no_value());
    if (value.find_first_of("+*/") != std::string::npos) {
      return fail(invalid_argument("the value of a template would widen it"));
    }
    out.append(value);
    text.remove_prefix(close + 2);
  }
}

}  // namespace bulla::auth
