#include "engine/transit/version_tree.h"

#include <utility>

namespace bulla::engine::transit {
namespace {

// Where `number` stands in a node of that level.
std::size_t index_at(std::uint32_t number, unsigned level, unsigned bits) {
  return (number >> (bits * (level - 1))) & ((1U << bits) - 1);
}

}  // namespace

const VersionTree::Slot* VersionTree::slot(std::uint32_t number) const {
  if (levels_ == 0 || (std::uint64_t{number} >> (kBits * levels_)) != 0) {
    return nullptr;
  }
  const Slot* at = &root_;
  for (unsigned level = levels_; level > 0 && *at != nullptr; --level) {
    const auto& node = *static_cast<const Node*>(at->get());
    at = &node.slots[index_at(number, level, kBits)];
  }
  return at;
}

const KeyVersion* VersionTree::find(std::uint32_t number) const {
  const Slot* found = slot(number);
  return found == nullptr ? nullptr
                          : static_cast<const KeyVersion*>(found->get());
}

VersionTree::Version VersionTree::share(std::uint32_t number) const {
  const Slot* found = slot(number);
  return found == nullptr ? nullptr
                          : std::static_pointer_cast<const KeyVersion>(*found);
}

VersionTree::Slot VersionTree::put(const Slot& node, unsigned level,
                                   std::uint32_t number, Slot version,
                                   bool& replaced) {
  if (level == 0) {
    replaced = node != nullptr;
    return version;
  }
  auto copy =
      node ? std::make_shared<Node>(*static_cast<const Node*>(node.get()))
           : std::make_shared<Node>();
  Slot& child = copy->slots[index_at(number, level, kBits)];
  child = put(child, level - 1, number, std::move(version), replaced);
  return copy;
}

VersionTree VersionTree::with(std::uint32_t number, Version version) const {
  VersionTree next = *this;
  while (next.levels_ == 0 ||
         (std::uint64_t{number} >> (kBits * next.levels_)) != 0) {
    if (next.root_ != nullptr) {
      auto above = std::make_shared<Node>();
      above->slots[0] = std::move(next.root_);
      next.root_ = std::move(above);
    }
    ++next.levels_;
  }
  bool replaced = false;
  next.root_ =
      put(next.root_, next.levels_, number, std::move(version), replaced);
  if (!replaced) ++next.size_;
  return next;
}

VersionTree::Slot VersionTree::cut(const Slot& node, unsigned level,
                                   std::uint64_t base, std::uint32_t lowest,
                                   std::size_t& kept) {
  if (node == nullptr) return nullptr;
  const std::uint64_t span = std::uint64_t{1} << (kBits * level);
  if (base + span <= lowest) return nullptr;
  if (level == 0) {
    ++kept;
    return node;
  }
  auto copy = std::make_shared<Node>(*static_cast<const Node*>(node.get()));
  bool any = false;
  for (std::size_t i = 0; i < kWidth; ++i) {
    Slot& child = copy->slots[i];
    child = cut(child, level - 1, base + i * (span / kWidth), lowest, kept);
    any = any || child != nullptr;
  }
  if (!any) return nullptr;
  return copy;
}

VersionTree VersionTree::from(std::uint32_t lowest) const {
  VersionTree next = *this;
  next.size_ = 0;
  next.root_ = cut(root_, levels_, 0, lowest, next.size_);
  if (next.root_ == nullptr) next.levels_ = 0;
  return next;
}

}  // namespace bulla::engine::transit
