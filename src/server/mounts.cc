#include "server/mounts.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "base/encoding.h"
#include "server/mount_record.h"

namespace bulla::server {
namespace {

constexpr std::string_view kTablePrefix = "core/mounts/";

using MountList = std::vector<std::shared_ptr<const Mount>>;

std::string storage_prefix(const api::MountConfig& config) {
  return fmt::format("{}/{}/", config.is_auth ? "auth" : "logical",
                     config.uuid);
}

MountList without(const MountList& mounts, std::string_view path) {
  MountList rest;
  for (const auto& mount : mounts) {
    if (mount->config.path != path) rest.push_back(mount);
  }
  return rest;
}

}  // namespace

Result<void> check_reserved(std::string_view path, std::string_view action) {
  for (const std::string_view reserved :
       {"auth/", "cubbyhole/", "identity/", "sys/", "audit/"}) {
    if (!path.starts_with(reserved)) continue;
    return fail(
        invalid_argument(fmt::format("cannot {} \"{}\"", action, path)));
  }
  return {};
}

MountTable::MountTable(MountList mounts) : mounts_(std::move(mounts)) {
  std::sort(mounts_.begin(), mounts_.end(), [](const auto& a, const auto& b) {
    return a->config.path < b->config.path;
  });
  for (const auto& mount : mounts_) {
    by_path_.emplace(mount->config.path, mount.get());
  }
}

const Mount* MountTable::find(std::string_view path) const {
  // The longest first: "foo" as "foo/", then each prefix that ends in '/'.
  std::array<char, 512> with_slash;
  if (!path.ends_with('/') && path.size() < with_slash.size()) {
    std::copy(path.begin(), path.end(), with_slash.begin());
    with_slash[path.size()] = '/';
    const auto it = by_path_.find({with_slash.data(), path.size() + 1});
    if (it != by_path_.end()) return it->second;
  }
  std::size_t end = path.rfind('/');
  while (end != std::string_view::npos) {
    const auto it = by_path_.find(path.substr(0, end + 1));
    if (it != by_path_.end()) return it->second;
    if (end == 0) break;
    end = path.rfind('/', end - 1);
  }
  return nullptr;
}

Mounts::Mounts(barrier::Barrier& barrier, crypto::Rng& rng, const Clock& clock,
               const Logger& log, Services services)
    : barrier_(barrier),
      rng_(rng),
      clock_(clock),
      log_(log),
      services_(services),
      table_(std::make_shared<const MountTable>(MountList{})) {}

void Mounts::add_factory(BackendFactory factory) {
  factories_.push_back(std::move(factory));
}

void Mounts::add_fixed(api::MountConfig config, BackendFactory factory) {
  fixed_.push_back({std::move(config), std::move(factory)});
}

const BackendFactory* Mounts::factory_of(const api::MountConfig& config) const {
  for (const BackendFactory& factory : factories_) {
    if (factory.type == config.type && factory.is_auth == config.is_auth) {
      return &factory;
    }
  }
  return nullptr;
}

bool Mounts::is_fixed(std::string_view path) const {
  return std::any_of(fixed_.begin(), fixed_.end(), [&](const Fixed& fixed) {
    return fixed.config.path == path;
  });
}

Result<std::shared_ptr<const Mount>> Mounts::build(
    api::MountConfig config, const BackendFactory& factory,
    const std::string& prefix) {
  auto mount = std::make_shared<Mount>();
  mount->config = std::move(config);
  const api::BackendContext context{.storage = barrier::View(barrier_, prefix),
                                    .config = mount->config,
                                    .rng = rng_,
                                    .clock = clock_,
                                    .log = log_,
                                    .events = services_.events,
                                    .records = services_.records,
                                    .record_holders = services_.record_holders,
                                    .managed_keys = services_.managed_keys,
                                    .fips_mode = services_.fips_mode};
  mount->backend = factory.make(context);
  mount->logins = std::dynamic_pointer_cast<api::LoginMethod>(mount->backend);
  mount->matcher =
      std::make_shared<const RouteMatcher>(mount->backend->routes());
  return std::shared_ptr<const Mount>(std::move(mount));
}

Result<void> Mounts::replace(MountList mounts) {
  table_.publish(std::make_shared<const MountTable>(std::move(mounts)));
  return {};
}

void Mounts::start() {
  const std::lock_guard lock(mutex_);
  MountList mounts;
  for (const Fixed& fixed : fixed_) {
    if (fixed.config.path != "sys/") continue;
    auto built = build(fixed.config, fixed.factory, "fixed/sys/");
    if (built) mounts.push_back(std::move(*built));
  }
  system_ = mounts;
  table_.publish(std::make_shared<const MountTable>(std::move(mounts)));
}

void Mounts::clear() {
  const std::lock_guard lock(mutex_);
  for (const auto& mount : table_.load()->all()) mount->backend->stop();
  table_.publish(std::make_shared<const MountTable>(system_));
}

Result<void> Mounts::load() {
  const std::lock_guard lock(mutex_);
  MountList mounts;
  TRY_ASSIGN(const auto records, read_records());
  for (const api::MountConfig& config : records) apply_tuned(config);
  for (const Fixed& fixed : fixed_) {
    if (fixed.config.path == "sys/") continue;
    TRY_ASSIGN(auto built, build(fixed.config, fixed.factory,
                                 "fixed/" + fixed.config.path));
    mounts.push_back(std::move(built));
  }
  std::set<std::string> live;
  for (const api::MountConfig& config : records) {
    if (is_fixed(config.path)) continue;
    const BackendFactory* factory = factory_of(config);
    if (factory == nullptr) {
      return fail(internal_error(
          fmt::format("mount {} is of type \"{}\", which this build of bulla "
                      "does not have",
                      config.path, config.type)));
    }
    const std::string prefix = storage_prefix(config);
    live.insert(prefix);
    TRY_ASSIGN(auto built, build(config, *factory, prefix));
    mounts.push_back(std::move(built));
  }
  mounts.insert(mounts.end(), system_.begin(), system_.end());
  TRY(sweep_orphans(live));
  return replace(std::move(mounts));
}

Result<std::vector<api::MountConfig>> Mounts::read_records() {
  TRY_ASSIGN(const auto paths, barrier_.scan(kTablePrefix));
  std::vector<api::MountConfig> records;
  for (const std::string& path : paths) {
    TRY_ASSIGN(const auto entry, barrier_.get(path));
    if (!entry) continue;
    TRY_ASSIGN(auto config, parse_mount_record(entry->value.expose()));
    records.push_back(std::move(config));
  }
  return records;
}

// What was tuned on a mount that is always there.
void Mounts::apply_tuned(const api::MountConfig& config) {
  for (Fixed& fixed : fixed_) {
    if (fixed.config.path == config.path) fixed.config = config;
  }
  for (auto& mount : system_) {
    if (mount->config.path != config.path) continue;
    auto tuned = std::make_shared<Mount>(*mount);
    tuned->config = config;
    mount = std::move(tuned);
  }
}

// A crash between "the mount is gone" and "its data is gone" leaves sealed
// entries that nothing can reach; they are taken away at the next load.
Result<void> Mounts::sweep_orphans(const std::set<std::string>& live) {
  for (const std::string_view root : {"logical/", "auth/"}) {
    TRY_ASSIGN(const auto uuids, barrier_.list(root));
    for (const std::string& uuid : uuids) {
      const std::string prefix = std::string(root) + uuid;
      if (live.contains(prefix)) continue;
      log_.info("removing what an unmounted engine left", {{"prefix", prefix}});
      TRY(barrier::View(barrier_, prefix).clear());
    }
  }
  return {};
}

Result<void> Mounts::check_new(const api::MountConfig& config) const {
  if (!config.is_auth) TRY(check_reserved(config.path, "mount"));
  for (const auto& mount : table_.load()->all()) {
    const std::string& taken = mount->config.path;
    const std::string_view shown =
        config.is_auth ? std::string_view(taken).substr(
                             std::min<std::size_t>(5, taken.size()))
                       : std::string_view(taken);
    if (config.path.starts_with(taken) || taken.starts_with(config.path)) {
      return fail(
          invalid_argument(fmt::format("path is already in use at {}", shown)));
    }
  }
  return {};
}

Result<void> Mounts::mount(api::MountConfig config) {
  const std::lock_guard lock(mutex_);
  TRY(check_new(config));
  const BackendFactory* factory = factory_of(config);
  if (factory == nullptr) {
    return fail(invalid_argument(
        fmt::format("plugin not found in the catalog: {}", config.type)));
  }
  config.uuid = rng_.uuid();
  std::array<std::uint8_t, 4> random;
  rng_.fill(random);
  config.accessor = fmt::format("{}{}_{}", config.is_auth ? "auth_" : "",
                                config.type, hex_encode(random));
  TRY(barrier_.put(std::string(kTablePrefix) + config.uuid,
                   write_mount_record(config).expose()));
  const std::string prefix = storage_prefix(config);
  TRY_ASSIGN(auto built, build(std::move(config), *factory, prefix));
  MountList mounts = table_.load()->all();
  mounts.push_back(std::move(built));
  return replace(std::move(mounts));
}

Result<void> Mounts::unmount(std::string_view path) {
  const std::lock_guard lock(mutex_);
  const auto mount = at(path);
  if (!mount) return {};
  if (is_fixed(path)) {
    return fail(invalid_argument(fmt::format("cannot unmount \"{}\"", path)));
  }
  TRY(barrier_.remove(std::string(kTablePrefix) + mount->config.uuid));
  TRY(replace(without(table_.load()->all(), path)));
  mount->backend->stop();
  return barrier::View(barrier_, storage_prefix(mount->config)).clear();
}

Result<void> Mounts::change(const Mount& mount, api::MountConfig config) {
  TRY(barrier_.put(std::string(kTablePrefix) + config.uuid,
                   write_mount_record(config).expose()));
  auto changed = std::make_shared<Mount>(mount);
  const std::string old_path = mount.config.path;
  changed->config = std::move(config);
  MountList mounts = without(table_.load()->all(), old_path);
  mounts.push_back(std::move(changed));
  return replace(std::move(mounts));
}

Result<void> Mounts::reroute(std::string_view path) {
  const auto mount = at(path);
  auto changed = std::make_shared<Mount>(*mount);
  changed->matcher =
      std::make_shared<const RouteMatcher>(mount->backend->routes());
  MountList mounts = without(table_.load()->all(), path);
  mounts.push_back(std::move(changed));
  return replace(std::move(mounts));
}

Result<void> Mounts::remount(std::string_view from, std::string_view to) {
  const std::lock_guard lock(mutex_);
  const auto mount = at(from);
  if (!mount) {
    return fail(
        invalid_argument(fmt::format("no matching mount at \"{}\"", from)));
  }
  if (is_fixed(from)) {
    return fail(invalid_argument(fmt::format("cannot remount \"{}\"", from)));
  }
  if (!mount->config.is_auth && !check_reserved(to, {})) {
    return fail(
        invalid_argument(fmt::format("cannot remount to destination {}", to)));
  }
  for (const auto& other : table_.load()->all()) {
    const std::string& taken = other->config.path;
    if (!to.starts_with(taken)) continue;
    return fail(
        invalid_argument(fmt::format("path already in use at \"{}\"", taken)));
  }
  api::MountConfig config = mount->config;
  config.path = std::string(to);
  TRY(check_new(config));
  TRY(change(*mount, config));
  mount->backend->tuned(config);
  return {};
}

Result<void> Mounts::tune(
    std::string_view path,
    const std::function<Result<void>(api::MountConfig&)>& edit) {
  const std::lock_guard lock(mutex_);
  const auto mount = at(path);
  if (!mount) {
    return fail(invalid_argument(fmt::format("no mount at {}", path)));
  }
  api::MountConfig config = mount->config;
  TRY(edit(config));
  TRY(change(*mount, config));
  const auto* const before = &mount->backend->routes();
  mount->backend->tuned(config);
  // An engine that has come to another version has other routes.
  if (&mount->backend->routes() != before) TRY(reroute(path));
  if (is_fixed(path)) apply_tuned(config);
  return {};
}

std::shared_ptr<const Mount> Mounts::at(std::string_view path) const {
  for (const auto& mount : table_.load()->all()) {
    if (mount->config.path == path) return mount;
  }
  return nullptr;
}

void Mounts::tick(Time now) {
  for (const auto& mount : table_.load()->all()) mount->backend->tick(now);
}

}  // namespace bulla::server
