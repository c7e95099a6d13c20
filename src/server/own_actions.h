#pragma once

#include <memory>
#include <mutex>

#include "api/event_sink.h"
#include "audit/broker.h"
#include "base/clock.h"
#include "base/json.h"
#include "crypto/rng.h"
#include "server/mounts.h"

namespace bulla::server {

/// Audits what backends do by themselves: a request line without a token, as
/// if the server had asked, written before the action takes effect. All
/// references must outlive it; `mounts` is not used before the first
/// announcement.
class OwnActions final : public api::EventSink {
 public:
  OwnActions(const audit::Broker& broker, const Mounts& mounts,
             crypto::Rng& rng, const Clock& clock);

  /// kInternal  no audit device took the line.
  Result<void> announce(const api::OwnAction& action) override;

 private:
  std::shared_ptr<const Mount> mount_of(std::string_view uuid) const;

  const Mounts& mounts_;
  crypto::Rng& rng_;
  const Clock& clock_;
  std::mutex mutex_;
  audit::Recorder recorder_;  // under mutex_
  JsonParser parser_;         // under mutex_
};

}  // namespace bulla::server
