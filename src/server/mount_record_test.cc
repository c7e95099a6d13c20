#include "server/mount_record.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace bulla::server {
namespace {

api::MountConfig sample() {
  api::MountConfig config;
  config.path = "transit/";
  config.type = "transit";
  config.description = "keys of the shop";
  config.accessor = "transit_01020304";
  config.uuid = "11111111-2222-4333-8444-555555555555";
  config.local = true;
  config.options = {{"version", "2"}};
  config.default_lease_ttl = Seconds(60);
  config.max_lease_ttl = Seconds(3600);
  config.audit_non_hmac_request_keys = {"a", "b"};
  return config;
}

TEST(MountRecord, ComesBackAsItWas) {
  const SecretBytes bytes = write_mount_record(sample());
  const auto read = parse_mount_record(bytes.expose());
  ASSERT_TRUE(read);
  EXPECT_EQ(read->path, "transit/");
  EXPECT_EQ(read->options.at("version"), "2");
  EXPECT_EQ(read->max_lease_ttl, Seconds(3600));
  EXPECT_EQ(read->audit_non_hmac_request_keys.size(), 2U);
  EXPECT_TRUE(write_mount_record(*read) == bytes);
}

// Records without managed keys stay as they always were.
TEST(MountRecord, ManagedKeysMakeItTheSecondFormat) {
  EXPECT_EQ(write_mount_record(sample()).expose()[0], 1);
  api::MountConfig config = sample();
  config.allowed_managed_keys = {"a", "b"};
  const SecretBytes bytes = write_mount_record(config);
  EXPECT_EQ(bytes.expose()[0], 2);
  const auto read = parse_mount_record(bytes.expose());
  ASSERT_TRUE(read);
  EXPECT_EQ(read->allowed_managed_keys, config.allowed_managed_keys);
  EXPECT_TRUE(write_mount_record(*read) == bytes);
  SecretBytes empty(write_mount_record(sample()).size() + 4);
  std::ranges::copy(write_mount_record(sample()).expose(),
                    empty.expose_mutable().begin());
  empty.expose_mutable()[0] = 2;
  EXPECT_FALSE(parse_mount_record(empty.expose()));
}

TEST(MountRecord, EveryTruncationIsRefused) {
  const SecretBytes bytes = write_mount_record(sample());
  for (std::size_t n = 0; n < bytes.size(); ++n) {
    const auto read = parse_mount_record(bytes.expose().first(n));
    ASSERT_FALSE(read) << n;
    EXPECT_EQ(read.error().code(), ErrorCode::kCorrupt);
  }
}

}  // namespace
}  // namespace bulla::server
