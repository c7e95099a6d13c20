#include "snapshot/restore.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "snapshot/test_support.h"
#include "storage/fault.h"

namespace bulla::snapshot {
namespace {

using seal::World;
using storage::FaultStorage;
using ::testing::HasSubstr;

Reopen reopen(const Bytes& bytes) {
  return [&bytes] { return source_of(bytes); };
}

Result<void> restore(storage::Storage& storage, const Bytes& bytes,
                     const Marker& marker) {
  TRY(begin(storage, marker));
  TRY(finish(storage, marker, reopen(bytes)));
  return {};
}

bool is_initialised(storage::Storage& storage) {
  return storage.get(seal::SealConfig::kPath).value().has_value();
}

TEST(Restore, FillsABareStore) {
  World source;
  const auto made = fill_installation(source, 300);
  const Bytes bytes = snapshot_of(source.memory);
  World target;
  ASSERT_TRUE(restore(target.memory, bytes, marker_of(bytes)));
  EXPECT_EQ(contents(target.memory), contents(source.memory));
  seal::Node node(target);
  ASSERT_TRUE(node.custody.submit_share(made.shares[0].clone()));
  ASSERT_TRUE(node.custody.submit_share(made.shares[2].clone()).value());
  const auto entry = node.barrier.get("logical/299").value();
  EXPECT_EQ(to_text(entry->value.expose()), "value 299");
}

TEST(Restore, ReplacesAnotherInstallation) {
  World source;
  fill_installation(source, 10);
  World target;
  fill_installation(target, 300);
  const Bytes bytes = snapshot_of(source.memory);
  ASSERT_TRUE(restore(target.memory, bytes, marker_of(bytes)));
  EXPECT_EQ(contents(target.memory), contents(source.memory));
}

// Dies at every step, over a bare store and over another installation; whoever
// comes after goes on until it is done.
void crash_everywhere(std::size_t entries_before) {
  World source;
  fill_installation(source, 300);
  const Bytes bytes = snapshot_of(source.memory);
  const Marker marker = marker_of(bytes);
  const auto wanted = contents(source.memory);
  std::uint64_t steps = 0;
  for (std::uint64_t step = 1; steps == 0; ++step) {
    SCOPED_TRACE(step);
    World target;
    if (entries_before > 0) fill_installation(target, entries_before);
    const auto before = contents(target.memory);
    FaultStorage faulty(target.memory);
    faulty.crash_at(step);
    if (restore(faulty, bytes, marker)) {
      steps = step;
      break;
    }
    const auto stored = Marker::read(target.memory).value();
    if (!stored) {
      // Not begun yet, or done without having been able to say so.
      const auto now = contents(target.memory);
      EXPECT_TRUE(now == before || now == wanted);
      continue;
    }
    EXPECT_EQ(*stored, marker);
    EXPECT_FALSE(is_initialised(target.memory));
    // Dies once more on the way, then comes through.
    FaultStorage again(target.memory);
    again.crash_at(3);
    EXPECT_FALSE(finish(again, *stored, reopen(bytes)));
    ASSERT_TRUE(finish(target.memory, *stored, reopen(bytes)));
    EXPECT_EQ(contents(target.memory), wanted);
    // And once more does no harm.
    ASSERT_TRUE(finish(target.memory, *stored, reopen(bytes)));
    EXPECT_EQ(contents(target.memory), wanted);
  }
  EXPECT_GE(steps, 10U);
}

TEST(Restore, SurvivesACrashAtEveryStepOverABareStore) { crash_everywhere(0); }
TEST(Restore, SurvivesACrashAtEveryStepOverAnother) { crash_everywhere(200); }

TEST(Restore, TouchesNothingForAnotherSnapshot) {
  World source;
  fill_installation(source, 3);
  const Bytes bytes = snapshot_of(source.memory);
  World other;
  fill_installation(other, 3);
  const Bytes wrong = snapshot_of(other.memory);
  World target;
  const Marker marker = marker_of(bytes);
  ASSERT_TRUE(begin(target.memory, marker));
  const auto refused = finish(target.memory, marker, reopen(wrong));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::kCorrupt);
  EXPECT_EQ(contents(target.memory).size(), 1U);
  Marker foreign = marker;
  foreign.id = "b";
  EXPECT_EQ(finish(target.memory, foreign, reopen(bytes)).error().code(),
            ErrorCode::kConflict);
  // Its file is lost: another one may take its place.
  foreign.sha256 = check(source_of(wrong)).value().summary.sha256;
  ASSERT_TRUE(restore(target.memory, wrong, foreign));
  EXPECT_EQ(contents(target.memory), contents(other.memory));
}

TEST(Restore, ChecksThatSomebodyCanOpenIt) {
  World source;
  fill_installation(source, 1);
  const auto without = [&](std::string_view prefix) {
    World copy;
    for (const auto& [path, value] : contents(source.memory)) {
      if (path.starts_with(prefix)) continue;
      const storage::Change change{path, to_bytes(value), std::nullopt};
      EXPECT_TRUE(copy.memory.commit({&change, 1}));
    }
    const Bytes bytes = snapshot_of(copy.memory);
    const auto checked = check(source_of(bytes));
    return checked ? "" : checked.error().message();
  };
  EXPECT_THAT(without("core/passkeys/"), HasSubstr("no passkey"));
  EXPECT_THAT(without("core/keyring"), HasSubstr("no keyring"));
  EXPECT_EQ(without("logical/"), "");
  World empty;
  Bytes out;
  const auto taken = take(empty.memory, "0.1.0", Time(), into(out));
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().message(), "Vault is not initialized");
  EXPECT_TRUE(out.empty());
}

TEST(RestoreMarker, ParsesWhatItWrote) {
  Marker marker{"0a-b", {}, from_unix_nanos(5)};
  marker.sha256.fill(0xab);
  const Bytes bytes = marker.serialise();
  EXPECT_EQ(Marker::parse(bytes).value(), marker);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(Marker::parse(ByteView(bytes).first(size)));
  }
  for (const std::string id : {"", "../a", "A", "a.b"}) {
    marker.id = id;
    EXPECT_FALSE(Marker::parse(marker.serialise())) << id;
  }
}

}  // namespace
}  // namespace bulla::snapshot
