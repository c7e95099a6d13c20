#include "auth/policy_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/wire.h"

namespace bulla::auth {
namespace {

constexpr std::uint8_t kFormat = 1;
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

Result<std::string> parse_entry(ByteView bytes) {
  WireReader reader(bytes);
  const std::uint8_t format = reader.u8();
  std::string text(reader.text());
  TRY(reader.finish("policy"));
  if (format != kFormat) return fail(corrupt("policy: unknown format"));
  return text;
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
      TRY_ASSIGN(const std::string text, parse_entry(entry->value.expose()));
      auto policy = parse_policy(name, text);
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
    TRY(store("default", default_policy_text()));
    TRY_ASSIGN(auto policy, parse_policy("default", default_policy_text()));
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
  for (const auto& [name, policy] : *policies) names.push_back(name);
  names.emplace_back("root");
  return names;
}

std::shared_ptr<const Policy> PolicyStore::get(std::string_view name) const {
  const std::string canonical = canonical_policy_name(name);
  if (is_fixed(canonical)) return fixed_policy(canonical);
  const auto policies = policies_.load();
  const auto found = policies->find(canonical);
  return found == policies->end() ? nullptr : found->second;
}

Result<void> PolicyStore::store(const std::string& name,
                                std::string_view text) {
  WireWriter writer;
  writer.u8(kFormat).text(text);
  return view_.put(name, writer.view());
}

Result<void> PolicyStore::set(std::string_view name, std::string_view text) {
  const std::string canonical = canonical_policy_name(name);
  if (canonical.empty() || canonical.size() > kNameBytesMax) {
    return fail(invalid_argument("policy name missing or too long"));
  }
  if (is_fixed(canonical)) {
    return fail(invalid_argument(
        fmt::format("cannot update \"{}\" policy", canonical)));
  }
  TRY_ASSIGN(auto policy, parse_policy(canonical, text));
  const std::lock_guard lock(write_mutex_);
  TRY(store(canonical, text));
  auto policies = std::make_shared<Policies>(*policies_.load());
  policies->insert_or_assign(canonical, std::move(policy));
  policies_.publish(std::move(policies));
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
  const auto present = policies_.load();
  if (!present->contains(canonical)) return {};
  TRY(view_.remove(canonical));
  auto policies = std::make_shared<Policies>(*present);
  policies->erase(canonical);
  policies_.publish(std::move(policies));
  return {};
}

std::shared_ptr<const Acl> PolicyStore::acl(
    const std::vector<std::string>& names) const {
  const std::uint64_t version = policies_.version();
  {
    const std::lock_guard lock(cache_mutex_);
    if (acls_version_ != version || acls_.size() >= kAclsMax) {
      acls_.clear();
      acls_version_ = version;
    }
    if (const auto found = acls_.find(names); found != acls_.end()) {
      return found->second;
    }
  }
  // Names are final here: one that is not in its canonical form is unknown.
  const auto policies = policies_.load();
  std::vector<std::shared_ptr<const Policy>> parts;
  for (const std::string& name : names) {
    if (const auto found = policies->find(name); found != policies->end()) {
      parts.push_back(found->second);
    } else if (auto fixed = fixed_policy(name)) {
      parts.push_back(std::move(fixed));
    }
  }
  // Root stands alone or not at all.
  if (names.size() > 1) {
    std::erase_if(parts, [](const auto& p) { return p->name == "root"; });
  }
  auto made = std::make_shared<const Acl>(parts);
  const std::lock_guard lock(cache_mutex_);
  if (acls_version_ == version) acls_.emplace(names, made);
  return made;
}

}  // namespace bulla::auth
