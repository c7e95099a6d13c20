#include "server/mount_record.h"

#include "base/wire.h"

namespace bulla::server {
namespace {

constexpr std::uint8_t kFormat = 1;
constexpr std::uint8_t kWithManagedKeys = 2;
constexpr std::uint32_t kListMax = 1024;

void write_list(WireWriter& out, const std::vector<std::string>& list) {
  out.u32(static_cast<std::uint32_t>(list.size()));
  for (const std::string& item : list) out.text(item);
}

std::vector<std::string> read_list(WireReader& in) {
  std::vector<std::string> list;
  const std::uint32_t count = in.u32();
  for (std::uint32_t i = 0; i < count && i < kListMax && !in.failed(); ++i) {
    list.emplace_back(in.text());
  }
  return list;
}

}  // namespace

SecretBytes write_mount_record(const api::MountConfig& config) {
  WireWriter out;
  const bool managed = !config.allowed_managed_keys.empty();
  out.u8(managed ? kWithManagedKeys : kFormat)
      .text(config.path)
      .text(config.type)
      .text(config.description)
      .text(config.accessor)
      .text(config.uuid)
      .boolean(config.local)
      .boolean(config.seal_wrap)
      .boolean(config.external_entropy_access)
      .boolean(config.is_auth)
      .boolean(config.force_no_cache)
      .i64(config.default_lease_ttl.count())
      .i64(config.max_lease_ttl.count())
      .text(config.listing_visibility)
      .text(config.token_type)
      .u32(static_cast<std::uint32_t>(config.options.size()));
  for (const auto& [key, value] : config.options) out.text(key).text(value);
  write_list(out, config.audit_non_hmac_request_keys);
  write_list(out, config.audit_non_hmac_response_keys);
  write_list(out, config.passthrough_request_headers);
  write_list(out, config.allowed_response_headers);
  if (managed) write_list(out, config.allowed_managed_keys);
  return std::move(out).finish();
}

Result<api::MountConfig> parse_mount_record(ByteView bytes) {
  WireReader in(bytes);
  api::MountConfig config;
  const std::uint8_t format = in.u8();
  if (format != kFormat && format != kWithManagedKeys) {
    return fail(corrupt("mount record: unknown format"));
  }
  config.path = in.text();
  config.type = in.text();
  config.description = in.text();
  config.accessor = in.text();
  config.uuid = in.text();
  config.local = in.boolean();
  config.seal_wrap = in.boolean();
  config.external_entropy_access = in.boolean();
  config.is_auth = in.boolean();
  config.force_no_cache = in.boolean();
  config.default_lease_ttl = Seconds(in.i64());
  config.max_lease_ttl = Seconds(in.i64());
  config.listing_visibility = in.text();
  config.token_type = in.text();
  const std::uint32_t options = in.u32();
  for (std::uint32_t i = 0; i < options && i < kListMax && !in.failed(); ++i) {
    std::string key(in.text());
    // Written in order, each once: so a record has one form only.
    if (!config.options.empty() && key <= config.options.rbegin()->first) {
      return fail(corrupt("mount record: options out of order"));
    }
    config.options[std::move(key)] = in.text();
  }
  config.audit_non_hmac_request_keys = read_list(in);
  config.audit_non_hmac_response_keys = read_list(in);
  config.passthrough_request_headers = read_list(in);
  config.allowed_response_headers = read_list(in);
  if (format == kWithManagedKeys) {
    config.allowed_managed_keys = read_list(in);
    // One that says nothing is written in the older form.
    if (!in.failed() && config.allowed_managed_keys.empty()) {
      return fail(corrupt("mount record: an empty list"));
    }
  }
  TRY(in.finish("mount record"));
  return config;
}

}  // namespace bulla::server
