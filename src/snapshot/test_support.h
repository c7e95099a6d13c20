#pragma once

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "base/bytes.h"
#include "seal/test_world.h"
#include "snapshot/restore.h"
#include "snapshot/writer.h"
#include "storage/storage.h"

// What the tests of this layer share.
namespace bulla::snapshot {

inline Sink into(Bytes& out) {
  return [&out](ByteView bytes) {
    out.insert(out.end(), bytes.begin(), bytes.end());
    return Result<void>{};
  };
}

/// A snapshot of `storage`, taken at a fixed time.
inline Bytes snapshot_of(storage::Storage& storage) {
  Bytes out;
  const auto taken = take(
      storage, "0.1.0", from_unix_nanos(1'700'000'000'000'000'000), into(out));
  EXPECT_TRUE(taken) << taken.error().message();
  return out;
}

/// All that is stored.
inline std::map<std::string, std::string> contents(storage::Storage& storage) {
  std::map<std::string, std::string> all;
  const auto snapshot = storage.snapshot().value();
  while (const auto item = snapshot->next().value()) {
    all.emplace(item->path, to_text(item->value));
  }
  return all;
}

/// Fills the store of `world` with an installation of shares 2 of 3 and so many
/// entries more.
inline seal::InitResult fill_installation(seal::World& world,
                                          std::size_t entries) {
  seal::Node node(world);
  auto made = node.init(seal::shamir_params(3, 2)).value();
  for (std::size_t i = 0; i < entries; ++i) {
    EXPECT_TRUE(node.barrier.put("logical/" + std::to_string(i),
                                 as_bytes("value " + std::to_string(i))));
  }
  return made;
}

inline Marker marker_of(ByteView snapshot, std::string id = "a-1") {
  return {std::move(id), check(source_of(snapshot)).value().summary.sha256,
          from_unix_nanos(1)};
}

}  // namespace bulla::snapshot
