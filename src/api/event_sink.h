#pragma once

#include <string_view>

#include "base/result.h"

namespace bulla::api {

/// Something that a backend does without having been asked to.
struct OwnAction {
  std::string_view mount_uuid;  ///< The backend's MountConfig::uuid.
  std::string_view path;        ///< Inside the mount: "keys/a/rotate".
  /// A JSON object that says why. Strings in it are hashed as all are in audit
  /// lines; numbers and booleans are not.
  std::string_view data;
};

/// Where backends tell of what they do by themselves, so that it is audited as
/// what they are asked for is. Any thread; may block.
class EventSink {
 public:
  virtual ~EventSink() = default;

  /// Before `action` takes effect.
  ///   kInternal  it could not be written: the action must not be done.
  virtual Result<void> announce(const OwnAction& action) = 0;
};

}  // namespace bulla::api
