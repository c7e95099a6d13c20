#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/secret_bytes.h"

namespace bulla::auth {

/// The name that one auth method knows an entity by.
struct Alias {
  std::string id;
  std::string mount_accessor;
  std::string name;
  std::map<std::string, std::string> metadata;  ///< Of its last login.
  Time creation_time;
};

/// A person or a workload, whatever it logs in by. Immutable once published.
struct Entity {
  std::string id;
  std::string name;
  std::map<std::string, std::string> metadata;
  std::vector<std::string> policies;  ///< Canonical; beside those of tokens.
  bool disabled = false;              ///< Its tokens are refused.
  Time creation_time;
  Time last_update_time;
  std::vector<Alias> aliases;
};

/// The record of docs/formats/login.md.
SecretBytes serialize_entity(const Entity& entity);
///   kCorrupt  not such a record.
Result<Entity> parse_entity(std::string id, ByteView record);

/// `text` with what stands in its "{{…}}" filled in from `entity`
/// (reference/auth.md §10, "Templates").
///   kNotFound         something in braces has no value.
///   kInvalidArgument  a value holds '+', '*' or '/', which would widen a path.
Result<std::string> fill_template(std::string_view text, const Entity& entity);

}  // namespace bulla::auth
