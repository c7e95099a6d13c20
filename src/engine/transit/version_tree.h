#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace bulla::engine::transit {

class KeyVersion;

/// The versions of a key that are in memory, by number: a persistent radix
/// tree of sixteen-way nodes. Adding a version copies one path, so that a
/// rotation or a late load costs the same at ten versions as at ten thousand.
/// Immutable; copies share; any thread.
class VersionTree {
 public:
  using Version = std::shared_ptr<const KeyVersion>;

  /// Null when it is not in memory.
  const KeyVersion* find(std::uint32_t number) const;
  /// The same, to be kept.
  Version share(std::uint32_t number) const;
  /// With `version` under its number, in the place of one that was there.
  VersionTree with(std::uint32_t number, Version version) const;
  /// Without the versions below `lowest`.
  VersionTree from(std::uint32_t lowest) const;
  std::size_t size() const { return size_; }

 private:
  static constexpr unsigned kBits = 4;
  static constexpr std::size_t kWidth = std::size_t{1} << kBits;
  // At level 1 the slots are versions, above that nodes of the level below.
  struct Node {
    std::array<std::shared_ptr<const void>, kWidth> slots;
  };
  using Slot = std::shared_ptr<const void>;

  static Slot put(const Slot& node, unsigned level, std::uint32_t number,
                  Slot version, bool& replaced);
  static Slot cut(const Slot& node, unsigned level, std::uint64_t base,
                  std::uint32_t lowest, std::size_t& kept);
  const Slot* slot(std::uint32_t number) const;

  Slot root_;
  unsigned levels_ = 0;
  std::size_t size_ = 0;
};

}  // namespace bulla::engine::transit
