// cache-config, config/keys and what memory keeps.

#include <gtest/gtest.h>

#include "engine/transit/test_support.h"

namespace bulla::engine::transit {
namespace {

class ConfigTest : public TransitTest {};

TEST_F(ConfigTest, CacheSize) {
  EXPECT_EQ(get("cache-config").data, R"({"size":0})");
  EXPECT_EQ(post_error("cache-config", R"({"size":9})"),
            "size must be 0 or a value greater or equal to 10");
  EXPECT_EQ(post_error("cache-config", R"({"size":-1})"),
            "size must be 0 or a value greater or equal to 10");
  EXPECT_EQ(post("cache-config", R"({"size":10})").data, R"({"size":10})");
  restart();
  EXPECT_EQ(get("cache-config").data, R"({"size":10})");
}

TEST_F(ConfigTest, TheCacheKeepsItsSizeAndLosesNothing) {
  must(post("cache-config", R"({"size":10})"));
  std::vector<std::string> sealed;
  for (int i = 0; i < 50; ++i) {
    make_key(fmt::format("k{}", i));
    sealed.push_back(encrypt(fmt::format("k{}", i), std::to_string(i)));
    EXPECT_LE(backend_->keys().keys_in_memory(), 10U);
  }
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    EXPECT_EQ(decrypt(fmt::format("k{}", i), sealed[i]), std::to_string(i));
  }
  // A key that was put out of memory is not used from a thread's cache when it
  // has changed since.
  rotate("k0");
  EXPECT_THAT(encrypt("k0", "x"), testing::StartsWith("vault:v2:"));
}

TEST_F(ConfigTest, DisableUpsert) {
  EXPECT_EQ(get("config/keys").data, R"({"disable_upsert":false})");
  EXPECT_EQ(post("config/keys", R"({"disable_upsert":true})").data,
            R"({"disable_upsert":true})");
  EXPECT_EQ(get("config/keys").data, R"({"disable_upsert":true})");
  EXPECT_EQ(post("config/keys").data, R"({"disable_upsert":false})");
}

TEST_F(ConfigTest, MetricsAddUpOverThreads) {
  make_key("k");
  api::LoopState other;
  api::Context context = request_context(other);
  must(post("encrypt/k", R"({"plaintext":""})"));
  EXPECT_TRUE(run(*backend_, context, api::Operation::kUpdate, "encrypt/k",
                  R"({"batch_input":[{"plaintext":""},{"plaintext":""}]})")
                  .ok);
  must(post("hmac/k", R"({"input":""})"));
  must(post("random"));
  other.forget_all();  // as at seal; its counts are kept
  const TransitMetrics metrics = backend_->metrics();
  EXPECT_EQ(metrics.encrypt, 2U);
  EXPECT_EQ(metrics.hmac, 1U);
  EXPECT_EQ(metrics.random, 1U);
  EXPECT_EQ(metrics.items, 4U);
  EXPECT_EQ(metrics.keys_in_memory, 1U);
  EXPECT_EQ(backend_->metrics().encrypt, 2U);
  EXPECT_EQ(get("keys/k").at("/operations"), R"({"1":3})");
}

TEST_F(ConfigTest, EveryRouteHasASynopsisAndHandlers) {
  for (const api::Route& route : backend_->routes()) {
    EXPECT_FALSE(route.synopsis.empty()) << route.pattern;
    EXPECT_FALSE(route.methods.empty()) << route.pattern;
    EXPECT_LE(route.fields.size(), api::Fields::kFieldsMax);
    EXPECT_EQ(route.exists != nullptr, route.pattern == "encrypt/:name");
  }
}

}  // namespace
}  // namespace bulla::engine::transit
