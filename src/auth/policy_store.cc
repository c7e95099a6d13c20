#include "auth/policy_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace bulla::auth {
namespace {

constexpr std::size_t kNameBytesMax = 256;
constexpr std::size_t kPageEntries = 1000;
constexpr std::size_t kAclsMax = 10'000;

constexpr std::string_view kWrappingText = R"(
path "cubbyhole/response" {
  capabilities = ["create", "read"]
}
path "sys/wrapping/unwrap" {
  capabilities = ["update"]
}
)";

constexpr std::array<std::string_view, 3> kFixedNames = {
    "control-group", "response-wrapping", "root"};

bool is_fixed(std::string_view name) {
  return std::ranges::count(kFixedNames, name) != 0;
}

std::shared_ptr<const Policy> fixed_policy(std::string_view name) {
  static const auto root = parse_policy("root", "").value();
  static const auto wrapping =
      parse_policy("response-wrapping", kWrappingText).value();
  if (name == "root") return root;
  if (name == "response-wrapping") return wrapping;
  return nullptr;
}

// Whether `update` may replace `present`, which is null for a new policy.
Result<void> check_and_set(const PolicyUpdate& update, const Policy* present) {
  const std::int64_t version =
      present == nullptr ? 0 : static_cast<std::int64_t>(present->meta.version);
  if (!update.cas) {
    const bool required = update.cas_required.value_or(false) ||
                          (present != nullptr && present->meta.cas_required);
    if (!required || update.patch) return {};
    return fail(
        invalid_argument("check-and-set parameter required for this call"));
  }
  if (*update.cas == -1) {
    if (present == nullptr) return {};
    return fail(
        invalid_argument("check-and-set parameter set to -1 on existing "
                         "entry"));
  }
  if (*update.cas == version) return {};
  return fail(invalid_argument(
      fmt::format("check-and-set parameter {} did not match the current "
                  "version {}",
                  *update.cas, version)));
}

PolicyRecord applied(PolicyUpdate update, const Policy* present, Time now) {
  PolicyRecord record;
  if (update.patch) record = {present->meta, present->text};
  record.meta.version = present == nullptr ? 1 : present->meta.version + 1;
  record.meta.modified = now;
  if (update.text) record.text = *std::move(update.text);
  if (update.expiration) record.meta.expiration = update.expiration;
  if (update.cas_required) record.meta.cas_required = *update.cas_required;
  return record;
}

// With its templates filled, those that have a value; null when it has none.
std::shared_ptr<const Policy> filled_policy(const Policy& policy,
                                            const Entity& entity) {
  const auto templated = [](const PolicyRule& rule) { return rule.templated; };
  if (std::ranges::none_of(policy.rules, templated)) return nullptr;
  auto filled = std::make_shared<Policy>(policy);
  for (PolicyRule& rule : filled->rules) {
    if (!rule.templated) continue;
    // What cannot be filled goes on being skipped.
    auto path = fill_template(rule.path, entity);
    if (!path) continue;
    rule.path = *std::move(path);
    rule.templated = false;
  }
  return filled;
}

}  // namespace

Result<void> PolicyStore::load() {
  const std::lock_guard lock(write_mutex_);
  auto policies = std::make_shared<Policies>();
  std::string after;
  while (true) {
    TRY_ASSIGN(const auto names, view_.scan("", after, kPageEntries));
    if (names.empty()) break;
    for (const std::string& name : names) {
      TRY_ASSIGN(const auto entry, view_.get(name));
      if (!entry) continue;
      TRY_ASSIGN(const PolicyRecord record,
                 parse_policy_record(entry->value.expose()));
      auto policy = parse_policy(name, record.text, record.meta);
      if (!policy) {
        // Going on without it could lose a deny.
        return fail(corrupt(fmt::format("stored policy \"{}\": {}", name,
                                        policy.error().message())));
      }
      policies->emplace(name, *std::move(policy));
    }
    after = names.back();
  }
  if (!policies->contains("default")) {
    PolicyUpdate update;
    update.text = default_policy_text();
    TRY_ASSIGN(auto policy, store("default", applied(std::move(update), nullptr,
                                                     clock_.now())));
    policies->emplace("default", std::move(policy));
  }
  policies_.publish(std::move(policies));
  return {};
}

void PolicyStore::clear() {
  const std::lock_guard lock(write_mutex_);
  policies_.publish(std::make_shared<const Policies>());
  const std::lock_guard cache_lock(cache_mutex_);
  acls_.clear();
}

std::vector<std::string> PolicyStore::list() const {
  std::vector<std::string> names;
  const auto policies = policies_.load();
  const Time now = clock_.now();
  for (const auto& [name, policy] : *policies) {
    if (!policy->meta.expired(now)) names.push_back(name);
  }
  names.emplace_back("root");
  return names;
}

std::shared_ptr<const Policy> PolicyStore::get(std::string_view name) const {
  const std::string canonical = canonical_policy_name(name);
  return is_fixed(canonical) ? fixed_policy(canonical) : live(canonical);
}

std::shared_ptr<const Policy> PolicyStore::live(
    std::string_view canonical) const {
  const auto policies = policies_.load();
  const auto found = policies->find(canonical);
  if (found == policies->end() || found->second->meta.expired(clock_.now())) {
    return nullptr;
  }
  return found->second;
}

Result<std::shared_ptr<const Policy>> PolicyStore::store(
    const std::string& name, PolicyRecord record) {
  TRY_ASSIGN(auto policy, parse_policy(name, record.text, record.meta));
  TRY(view_.put(name, serialize_policy(record).expose()));
  return policy;
}

void PolicyStore::put(std::shared_ptr<const Policy> policy) {
  auto policies = std::make_shared<Policies>(*policies_.load());
  policies->insert_or_assign(policy->name, std::move(policy));
  policies_.publish(std::move(policies));
}

void PolicyStore::erase(std::string_view canonical) {
  auto policies = std::make_shared<Policies>(*policies_.load());
  policies->erase(std::string(canonical));
  policies_.publish(std::move(policies));
}

Result<void> PolicyStore::set(std::string_view name, PolicyUpdate update) {
  const std::string canonical = canonical_policy_name(name);
  if (canonical.empty() || canonical.size() > kNameBytesMax) {
    return fail(invalid_argument("policy name missing or too long"));
  }
  if (is_fixed(canonical)) {
    return fail(invalid_argument(
        fmt::format("cannot update \"{}\" policy", canonical)));
  }
  const std::lock_guard lock(write_mutex_);
  const auto present = live(canonical);
  if (update.patch && !present) {
    return fail(invalid_argument("policy not found"));
  }
  if (update.text) TRY(parse_policy(canonical, *update.text));
  const Time now = clock_.now();
  if (update.expiration && *update.expiration <= now) {
    return fail(
        invalid_argument("refusing to update policy as expiration time has "
                         "already elapsed"));
  }
  TRY(check_and_set(update, present.get()));
  TRY_ASSIGN(auto policy,
             store(canonical, applied(std::move(update), present.get(), now)));
  put(std::move(policy));
  return {};
}

Result<void> PolicyStore::remove(std::string_view name) {
  const std::string canonical = canonical_policy_name(name);
  if (canonical == "default") {
    return fail(invalid_argument("cannot delete default policy"));
  }
  if (is_fixed(canonical)) {
    return fail(invalid_argument(
        fmt::format("cannot delete \"{}\" policy", canonical)));
  }
  const std::lock_guard lock(write_mutex_);
  if (!policies_.load()->contains(canonical)) return {};
  TRY(view_.remove(canonical));
  erase(canonical);
  return {};
}

Result<void> PolicyStore::sweep_expired() {
  const std::lock_guard lock(write_mutex_);
  const Time now = clock_.now();
  const auto policies = policies_.load();
  for (const auto& [name, policy] : *policies) {
    if (!policy->meta.expired(now)) continue;
    TRY(view_.remove(name));
    erase(name);
  }
  return {};
}

std::vector<std::shared_ptr<const Policy>> PolicyStore::named(
    const std::vector<std::string>& names, Time now) const {
  // Names are final here: one that is not in its canonical form is unknown.
  const auto policies = policies_.load();
  std::vector<std::shared_ptr<const Policy>> parts;
  for (const std::string& name : names) {
    if (const auto found = policies->find(name); found != policies->end()) {
      if (!found->second->meta.expired(now)) parts.push_back(found->second);
    } else if (auto fixed = fixed_policy(name)) {
      parts.push_back(std::move(fixed));
    }
  }
  // Root stands alone or not at all.
  if (names.size() > 1) {
    std::erase_if(parts, [](const auto& p) { return p->name == "root"; });
  }
  return parts;
}

std::shared_ptr<const Acl> PolicyStore::acl(
    const std::vector<std::string>& names) const {
  const std::uint64_t version = policies_.version();
  const Time now = clock_.now();
  {
    const std::lock_guard lock(cache_mutex_);
    if (acls_version_ != version || acls_.size() >= kAclsMax) {
      acls_.clear();
      acls_version_ = version;
    }
    if (const auto found = acls_.find(names);
        found != acls_.end() && now < found->second->good_until()) {
      return found->second;
    }
  }
  auto made = std::make_shared<const Acl>(named(names, now));
  const std::lock_guard lock(cache_mutex_);
  if (acls_version_ == version) acls_.insert_or_assign(names, made);
  return made;
}

std::shared_ptr<const Acl> PolicyStore::acl(
    const std::vector<std::string>& names, const Entity& entity) const {
  std::vector<std::string> all = names;
  all.insert(all.end(), entity.policies.begin(), entity.policies.end());
  all = canonical_policies(all);
  auto parts = named(all, clock_.now());
  bool filled = false;
  for (auto& part : parts) {
    auto own = filled_policy(*part, entity);
    if (!own) continue;
    part = std::move(own);
    filled = true;
  }
  return filled ? std::make_shared<const Acl>(parts) : acl(all);
}

}  // namespace bulla::auth
