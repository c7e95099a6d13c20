#include "server/own_actions.h"

#include <string>

#include "api/request.h"

namespace bulla::server {

OwnActions::OwnActions(const audit::Broker& broker, const Mounts& mounts,
                       crypto::Rng& rng, const Clock& clock)
    : mounts_(mounts), rng_(rng), clock_(clock), recorder_(broker) {}

// Where the mount is now: it may have moved since its backend was made.
std::shared_ptr<const Mount> OwnActions::mount_of(std::string_view uuid) const {
  for (const auto& mount : mounts_.table().load()->all()) {
    if (mount->config.uuid == uuid) return mount;
  }
  return nullptr;
}

Result<void> OwnActions::announce(const api::OwnAction& action) {
  const std::lock_guard lock(mutex_);
  if (!recorder_.active()) return {};
  const auto mount = mount_of(action.mount_uuid);
  const std::string path =
      (mount == nullptr ? std::string() : mount->config.path) +
      std::string(action.path);
  const std::string id = rng_.uuid();
  TRY_ASSIGN(const JsonElement data, parse_json(parser_, action.data));
  api::Request request;
  request.operation = api::Operation::kUpdate;
  request.path = path;
  request.relative = action.path;
  request.id = id;
  TRY(request.fields.bind({}, {}, data.get_object().value()));
  audit::Event event;
  event.time = clock_.now();
  event.request = &request;
  event.mount = mount == nullptr ? nullptr : &mount->config;
  recorder_.request(event);
  if (recorder_.flush()) return {};
  return fail(internal_error("the action could not be audited"));
}

}  // namespace bulla::server
