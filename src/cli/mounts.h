#pragma once

#include <string_view>

#include "cli/invocation.h"

namespace bulla::cli {

/// What secrets engines and auth methods are told apart by.
struct MountKind {
  std::string_view api;   ///< "sys/mounts"
  std::string_view noun;  ///< "secrets engine"
  std::string_view what;  ///< "the transit secrets engine": before the type.
  bool has_token_type;
};
inline constexpr MountKind kSecretsMount = {"sys/mounts", "secrets engine",
                                            "the secrets engine", false};
inline constexpr MountKind kAuthMount = {"sys/auth", "auth method",
                                         "the auth method", true};

int list_mounts(Invocation& call, const MountKind& kind);
int enable_mount(Invocation& call, const MountKind& kind);
int disable_mount(Invocation& call, const MountKind& kind);
int tune_mount(Invocation& call, const MountKind& kind);
/// Moves a mount and waits until it is done.
int move_mount(Invocation& call, const MountKind& kind);

/// The flags of the four.
std::span<const FlagRow> list_mounts_flags();
std::span<const FlagRow> enable_mount_flags();
std::span<const FlagRow> tune_mount_flags();

}  // namespace bulla::cli
