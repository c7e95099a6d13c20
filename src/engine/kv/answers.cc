#include "engine/kv/answers.h"

#include <algorithm>
#include <limits>

#include "api/field.h"
#include "base/time_format.h"

namespace bulla::engine::kv {
namespace {

void write_custom(JsonWriter& out, const Record& record) {
  out.key("custom_metadata");
  if (record.custom.empty()) {
    out.null();
    return;
  }
  out.begin_object();
  for (const auto& [key, value] : record.custom) out.member(key, value);
  out.end_object();
}

std::string time_text(const std::optional<Time>& time) {
  return time ? format_rfc3339_nano(*time) : std::string();
}

}  // namespace

void write_version(JsonWriter& out, const Record& record,
                   std::uint64_t number) {
  const Version& version = record.versions.at(number);
  out.begin_object().member("created_time",
                            format_rfc3339_nano(version.created));
  write_custom(out, record);
  out.member("deletion_time", time_text(version.deletion))
      .member("destroyed", version.destroyed)
      .member("version", number)
      .end_object();
}

void write_record(JsonWriter& out, const Record& record) {
  out.begin_object()
      .member("cas_required", record.cas_required)
      .member("created_time", format_rfc3339_nano(record.created))
      .member("current_metadata_version", record.metadata_version)
      .member("current_version", record.current);
  write_custom(out, record);
  out.member("delete_version_after",
             format_go_duration(record.delete_version_after))
      .member("max_versions", record.max_versions)
      .member("metadata_cas_required", record.metadata_cas_required)
      .member("oldest_version", record.oldest)
      .member("updated_time", format_rfc3339_nano(record.updated))
      .key("versions")
      .begin_object();
  for (const auto& [number, version] : record.versions) {
    out.key(std::to_string(number))
        .begin_object()
        .member("created_time", format_rfc3339_nano(version.created))
        .member("deletion_time", time_text(version.deletion))
        .member("destroyed", version.destroyed)
        .end_object();
  }
  out.end_object().end_object();
}

Result<std::optional<std::int64_t>> parse_cas(const api::Fields& fields) {
  const auto options = fields.object("options");
  JsonElement cas;
  if (!options || options->at_key("cas").get(cas)) {
    return std::optional<std::int64_t>();
  }
  const auto number = api::json_to_int(cas);
  if (number) return std::optional(*number);
  return fail(invalid_argument("error parsing check-and-set parameter"));
}

Result<void> check_cas(const Record& record, const Settings& settings,
                       std::optional<std::int64_t> cas) {
  const bool required = settings.cas_required || record.cas_required;
  if (!cas && required) {
    return fail(
        invalid_argument("check-and-set parameter required for this call"));
  }
  if (!cas || static_cast<std::uint64_t>(*cas) == record.current) return {};
  return fail(invalid_argument(
      "check-and-set parameter did not match the current version"));
}

Result<std::uint32_t> max_versions_of(const api::Fields& fields) {
  const std::int64_t given = fields.integer("max_versions");
  if (given >= 0 && given <= std::numeric_limits<std::uint32_t>::max()) {
    return static_cast<std::uint32_t>(given);
  }
  return fail(
      invalid_argument("max_versions must be between 0 and 4294967295"));
}

std::size_t list_limit(const api::Fields& fields) {
  return static_cast<std::size_t>(
      std::max<std::int64_t>(fields.integer("limit"), 0));
}

}  // namespace bulla::engine::kv
