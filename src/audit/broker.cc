#include "audit/broker.h"

#include <fmt/format.h>

#include <algorithm>

#include "api/field_convert.h"
#include "audit/device.h"
#include "audit/device_record.h"
#include "audit/entry.h"

namespace bulla::audit {
namespace {

constexpr std::string_view kDevicesPath = "devices";
constexpr std::string_view kHeadersPath = "headers";
constexpr std::size_t kSaltBytesMax = 128;
constexpr std::size_t kPathBytesMax = 256;

// "file" and "file/" are the same device.
std::string canonical(std::string_view path) {
  while (path.ends_with('/')) path.remove_suffix(1);
  while (path.starts_with('/')) path.remove_prefix(1);
  return std::string(path) + '/';
}

std::string salt_path(std::string_view device_path) {
  device_path.remove_suffix(1);
  return "salts/" + std::string(device_path);
}

Result<std::string> read_salt(const barrier::View& view,
                              std::string_view device_path) {
  TRY_ASSIGN(const auto entry, view.get(salt_path(device_path)));
  if (!entry || entry->value.empty() || entry->value.size() > kSaltBytesMax) {
    return fail(corrupt(
        fmt::format("the salt of audit device {:?} is missing", device_path)));
  }
  return to_text(entry->value.expose());
}

std::vector<DeviceConfig> configs_of(const DeviceList& devices) {
  std::vector<DeviceConfig> configs;
  for (const auto& device : devices) configs.push_back(device->config());
  return configs;
}

Result<void> check_path(const DeviceList& devices, std::string_view path) {
  if (path == "/" || path.size() > kPathBytesMax) {
    return fail(invalid_argument("an audit device needs a path"));
  }
  for (const auto& device : devices) {
    const std::string& other = device->config().path;
    if (other.starts_with(path) || path.starts_with(other)) {
      return fail(invalid_argument("path already in use"));
    }
  }
  if (devices.size() >= kDevicesMax) {
    return fail(invalid_argument("too many audit devices"));
  }
  return {};
}

// A token (RFC 9110), lower-cased.
Result<std::string> header_name(std::string_view name) {
  constexpr std::string_view kOthers = "!#$%&'*+-.^_`|~";
  const auto is_token = [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
           kOthers.find(c) != std::string_view::npos;
  };
  std::string lower = api::lower_case(name);
  if (lower.empty() || lower.size() > kHeaderNameBytesMax ||
      !std::ranges::all_of(lower, is_token)) {
    return fail(invalid_argument("not the name of a header"));
  }
  // Lines never show a token, whatever they are told.
  if (lower == "x-vault-token" || lower == "authorization") {
    return fail(invalid_argument(
        fmt::format("the header {} carries tokens, which lines show hashed "
                    "already",
                    lower)));
  }
  return lower;
}

// What a new device must take before anything depends on it.
Result<void> write_test_line(Device& device, std::string_view id, Time now) {
  api::Request request;
  request.operation = api::Operation::kUpdate;
  request.path = "sys/audit/test";
  request.id = id;
  Event event;
  event.time = now;
  event.request = &request;
  std::string line;
  TimeText time;
  EntryWriter(device).append_request(line, time.format(now), event);
  if (device.write(line)) return {};
  return fail(invalid_argument(fmt::format(
      "audit device {:?} failed its test line: nothing can be written to it",
      device.config().path)));
}

}  // namespace

Broker::Broker(barrier::View view, crypto::Rng& rng, const Clock& clock,
               const Logger& log)
    : view_(std::move(view)), rng_(rng), clock_(clock), log_(log) {}

Broker::~Broker() = default;

Result<void> Broker::load() {
  const std::lock_guard lock(mutex_);
  TRY_ASSIGN(const auto entry, view_.get(kDevicesPath));
  auto devices = std::make_shared<DeviceList>();
  if (entry) {
    TRY_ASSIGN(std::vector<DeviceConfig> configs,
               parse_devices(entry->value.expose()));
    for (DeviceConfig& config : configs) {
      TRY_ASSIGN(const std::string salt, read_salt(view_, config.path));
      TRY_ASSIGN(auto device, make_device(std::move(config), salt, log_));
      devices->push_back(std::move(device));
    }
  }
  TRY_ASSIGN(const auto headers, view_.get(kHeadersPath));
  auto shown = std::make_shared<HeaderList>();
  if (headers) {
    TRY_ASSIGN(*shown, parse_headers(headers->value.expose()));
  }
  headers_.publish(std::move(shown));
  devices_.publish(std::move(devices));
  return {};
}

void Broker::clear() {
  const std::lock_guard lock(mutex_);
  headers_.publish(std::make_shared<const HeaderList>());
  devices_.publish(std::make_shared<const DeviceList>());
}

Result<void> Broker::enable(DeviceConfig config) {
  config.path = canonical(config.path);
  TRY(check_device_limits(config));
  const std::lock_guard lock(mutex_);
  auto devices = std::make_shared<DeviceList>(*devices_.load());
  TRY(check_path(*devices, config.path));

  const std::string salt = rng_.uuid();
  TRY_ASSIGN(auto device, make_device(std::move(config), salt, log_));
  TRY(write_test_line(*device, rng_.uuid(), clock_.now()));

  const std::string salted = salt_path(device->config().path);
  devices->push_back(std::move(device));
  const SecretBytes record = serialize_devices(configs_of(*devices));
  const std::array changes{
      barrier::Change::put(salted, as_bytes(salt)),
      barrier::Change::put(std::string(kDevicesPath), record.expose())};
  TRY(view_.commit(changes));
  devices_.publish(std::move(devices));
  return {};
}

Result<void> Broker::disable(std::string_view path) {
  const std::string name = canonical(path);
  const std::lock_guard lock(mutex_);
  auto devices = std::make_shared<DeviceList>(*devices_.load());
  const auto removed = std::erase_if(*devices, [&](const auto& device) {
    return device->config().path == name;
  });
  if (removed == 0) return {};
  const SecretBytes record = serialize_devices(configs_of(*devices));
  const std::array changes{
      barrier::Change::put(std::string(kDevicesPath), record.expose()),
      barrier::Change::remove(salt_path(name))};
  TRY(view_.commit(changes));
  devices_.publish(std::move(devices));
  return {};
}

std::vector<DeviceConfig> Broker::list() const {
  return configs_of(*devices_.load());
}

Result<std::string> Broker::hash(std::string_view path,
                                 std::string_view input) const {
  const std::string name = canonical(path);
  const auto devices = devices_.load();
  for (const auto& device : *devices) {
    if (device->config().path == name) return device->hasher().hash(input);
  }
  return fail(
      invalid_argument(fmt::format("unknown audit backend \"{}\"", name)));
}

Result<void> Broker::reopen() {
  Result<void> outcome;
  const auto devices = devices_.load();
  for (const auto& device : *devices) {
    auto reopened = device->reopen();
    if (reopened) continue;
    log_.error("audit device was not reopened",
               {{"device", device->config().path},
                {"error", reopened.error().message()}});
    if (outcome) outcome = std::move(reopened);
  }
  return outcome;
}

Result<void> Broker::set_header(std::string_view name, bool hmac) {
  TRY_ASSIGN(std::string lower, header_name(name));
  const std::lock_guard lock(mutex_);
  auto headers = std::make_shared<HeaderList>(*headers_.load());
  const auto at =
      std::ranges::lower_bound(*headers, lower, {}, &AuditedHeader::name);
  if (at != headers->end() && at->name == lower) {
    at->hmac = hmac;
  } else if (headers->size() >= kHeadersMax) {
    return fail(invalid_argument("too many audited headers"));
  } else {
    headers->insert(at, {std::move(lower), hmac});
  }
  TRY(view_.put(kHeadersPath, serialize_headers(*headers).expose()));
  headers_.publish(std::move(headers));
  return {};
}

Result<void> Broker::remove_header(std::string_view name) {
  const std::string lower = api::lower_case(name);
  const std::lock_guard lock(mutex_);
  auto headers = std::make_shared<HeaderList>(*headers_.load());
  std::erase_if(*headers, [&](const auto& h) { return h.name == lower; });
  TRY(view_.put(kHeadersPath, serialize_headers(*headers).expose()));
  headers_.publish(std::move(headers));
  return {};
}

}  // namespace bulla::audit
