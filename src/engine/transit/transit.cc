#include "engine/transit/transit.h"

#include <fmt/format.h>

#include <utility>

#include "base/json_writer.h"

namespace bulla::engine::transit {

TransitBackend::TransitBackend(const api::BackendContext& context)
    : storage_(context.storage),
      log_(context.log),
      events_(context.events),
      uuid_(context.config.uuid),
      keys_(context.storage, context.rng,
            {.fips_mode = context.fips_mode,
             .announce = [this](const KeyRecord& key,
                                OwnRotation why) { return announce(key, why); },
             .managed = &context.managed_keys,
             .mount_uuid = context.config.uuid}),
      hidden_keys_(context.storage.sub("hidden/"), context.rng),
      routes_(make_routes()) {
  load_cache_size();
}

std::string_view TransitBackend::help() const {
  return "The transit engine encrypts, decrypts, signs and authenticates data "
         "in transit with named keys. It stores the keys, never the data.";
}

TransitLoop& TransitBackend::loop_of(Context& context) {
  auto& loop = context.loop->of<TransitLoop>(id());
  if (loop.counters == nullptr) [[unlikely]] {
    loop.counters = std::make_shared<Counters>();
    const std::lock_guard lock(counters_mutex_);
    counters_.push_back(loop.counters);
  }
  return loop;
}

Result<const Key*> TransitBackend::find_key(std::string_view name,
                                            Context& context) {
  TransitLoop& loop = loop_of(context);
  const auto cached = loop.keys.find(name);
  if (cached != loop.keys.end()) {
    if (const Key* key = cached->second->newest()) return key;
    loop.keys.erase(cached);
  }
  TRY_ASSIGN(auto slot, keys_.find(name, context.may_block));
  if (slot == nullptr) return nullptr;
  if (loop.keys.size() >= TransitLoop::kNamesMax) loop.keys.clear();
  auto entry = std::make_unique<TransitLoop::Cached>(std::move(slot));
  const Key* key = entry->newest();
  // Null when it was deleted this very moment.
  if (key != nullptr) loop.keys.emplace(std::string(name), std::move(entry));
  return key;
}

Result<const Key*> TransitBackend::require_key(std::string_view name,
                                               Context& context,
                                               std::string_view missing) {
  TRY_ASSIGN(const Key* key, find_key(name, context));
  if (key == nullptr) return fail(invalid_argument(std::string(missing)));
  return key;
}

Result<void> TransitBackend::announce(const KeyRecord& key, OwnRotation why) {
  std::string data;
  JsonWriter writer(data);
  writer.begin_object().member("automatic", true);
  if (why == OwnRotation::kPeriod) {
    writer.member("auto_rotate_period",
                  static_cast<std::int64_t>(key.auto_rotate_period.count()));
  } else {
    writer.member("max_operations", operations_limit(key));
  }
  writer.member("from_version", key.latest_version).end_object();
  return events_.announce({.mount_uuid = uuid_,
                           .path = fmt::format("keys/{}/rotate", key.name),
                           .data = data});
}

void TransitBackend::stop() {
  if (const auto closed = keys_.close_usage(); !closed) {
    log_.warn(
        "transit: counts of encryptions were not stored and will start higher",
        {{"error", closed.error().message()}});
  }
}

void TransitBackend::tick(Time now) {
  const std::lock_guard lock(tick_mutex_);
  if (const auto tended = keys_.tend_usage(); !tended) {
    log_.warn("transit: storing counts of encryptions failed",
              {{"error", tended.error().message()}});
  }
  if (const auto purged = keys_.finish_purges(); !purged) {
    log_.warn("transit: deleting old key versions failed",
              {{"error", purged.error().message()}});
  }
  // A clock that has jumped back must not make this wait for it.
  if (last_auto_rotate_ &&
      std::chrono::abs(now - *last_auto_rotate_) < kAutoRotateEvery) {
    return;
  }
  last_auto_rotate_ = now;
  const auto rotated = keys_.rotate_due(now);
  if (!rotated) {
    log_.warn("transit: automatic rotation failed",
              {{"error", rotated.error().message()}});
    return;
  }
  if (*rotated > 0) {
    log_.info("transit: rotated keys that were due",
              {{"keys", std::to_string(*rotated)}});
  }
}

TransitMetrics TransitBackend::metrics() const {
  std::array<std::uint64_t, kCounts> sums{};
  {
    const std::lock_guard lock(counters_mutex_);
    std::erase_if(counters_, [this](const std::shared_ptr<Counters>& one) {
      if (one.use_count() > 1) return false;
      for (std::size_t i = 0; i < kCounts; ++i) retired_[i] += one->get(i);
      return true;
    });
    sums = retired_;
    for (const auto& one : counters_) {
      for (std::size_t i = 0; i < kCounts; ++i) sums[i] += one->get(i);
    }
  }
  const auto of = [&](Count what) {
    return sums[static_cast<std::size_t>(what)];
  };
  return {.encrypt = of(Count::kEncrypt),
          .decrypt = of(Count::kDecrypt),
          .rewrap = of(Count::kRewrap),
          .datakey = of(Count::kDatakey),
          .hmac = of(Count::kHmac),
          .cmac = of(Count::kCmac),
          .sign = of(Count::kSign),
          .verify = of(Count::kVerify),
          .random = of(Count::kRandom),
          .hash = of(Count::kHash),
          .items = of(Count::kItems),
          .keys_in_memory = keys_.keys_in_memory(),
          .highest_operations = keys_.highest_operations(),
          .limit_rotations = keys_.limit_rotations()};
}

}  // namespace bulla::engine::transit
