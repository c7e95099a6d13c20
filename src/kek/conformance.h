#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>

#include "crypto/rng.h"
#include "kek/kek_provider.h"

namespace bulla::kek {

/// What every provider must do, whatever keeps its KEK. A provider's test
/// calls check_conformance() with two ways to build one.
struct ConformanceCase {
  /// Builds a provider over the same KEK each time.
  std::function<std::unique_ptr<KekProvider>()> make;
  /// Builds one whose KEK differs although it bears the same id.
  std::function<std::unique_ptr<KekProvider>()> make_with_other_key;
};

namespace conformance {

inline Deadline soon() {
  return std::chrono::steady_clock::now() + std::chrono::seconds(10);
}

inline void expect_code(const Result<SecretBytes>& result, ErrorCode code) {
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code(), code) << result.error().message();
}

inline void check_round_trip(const ConformanceCase& given) {
  crypto::SystemRng rng;
  for (const std::size_t size : {1U, 16U, 32U, 64U}) {
    const SecretBytes key = rng.secret(size);
    const auto wrapped = given.make()->wrap(
        key, as_bytes("context"), given.make()->active_version(), soon());
    ASSERT_TRUE(wrapped) << wrapped.error().message();
    EXPECT_FALSE(wrapped->key_id.empty());
    EXPECT_TRUE(given.make()->is_current(*wrapped));
    EXPECT_LE(wrapped->blob.size(), KekProvider::kBlobBytesMax);
    if (size >= 16) {
      EXPECT_EQ(as_text(wrapped->blob).find(as_text(key.expose())),
                std::string_view::npos);
    }
    const auto back =
        given.make()->unwrap(*wrapped, as_bytes("context"), soon());
    ASSERT_TRUE(back) << back.error().message();
    EXPECT_TRUE(*back == key);
  }
}

inline void check_refusals(const ConformanceCase& given) {
  crypto::SystemRng rng;
  const auto provider = given.make();
  const SecretBytes key = rng.secret(32);
  const ByteView aad = as_bytes("context");
  const auto made =
      provider->wrap(key, aad, provider->active_version(), soon());
  ASSERT_TRUE(made);

  expect_code(provider->unwrap(*made, as_bytes("other"), soon()),
              ErrorCode::kCorrupt);
  expect_code(provider->unwrap(*made, {}, soon()), ErrorCode::kCorrupt);
  expect_code(given.make_with_other_key()->unwrap(*made, aad, soon()),
              ErrorCode::kCorrupt);

  WrappedKey wrapped = *made;
  wrapped.version += 1000;
  expect_code(provider->unwrap(wrapped, aad, soon()), ErrorCode::kNotFound);
  const auto unwrapped = provider->wrap(key, aad, wrapped.version, soon());
  ASSERT_FALSE(unwrapped);
  EXPECT_EQ(unwrapped.error().code(), ErrorCode::kNotFound);
}

inline void check_hostile_blobs(const ConformanceCase& given) {
  crypto::SystemRng rng;
  const auto provider = given.make();
  const ByteView aad = as_bytes("context");
  const auto made =
      provider->wrap(rng.secret(32), aad, provider->active_version(), soon());
  ASSERT_TRUE(made);
  for (std::size_t i = 0; i < made->blob.size(); ++i) {
    WrappedKey altered = *made;
    altered.blob[i] ^= 1;
    expect_code(provider->unwrap(altered, aad, soon()), ErrorCode::kCorrupt);
    WrappedKey shorter = *made;
    shorter.blob.resize(i);
    expect_code(provider->unwrap(shorter, aad, soon()), ErrorCode::kCorrupt);
  }
  WrappedKey longer = *made;
  longer.blob.push_back(0);
  expect_code(provider->unwrap(longer, aad, soon()), ErrorCode::kCorrupt);
  longer.blob.resize(KekProvider::kBlobBytesMax + 1);
  expect_code(provider->unwrap(longer, aad, soon()), ErrorCode::kCorrupt);
}

inline void check_versions(const ConformanceCase& given) {
  const auto provider = given.make();
  const auto versions = provider->versions();
  ASSERT_FALSE(versions.empty());
  EXPECT_EQ(std::ranges::adjacent_find(versions, std::greater_equal<>()),
            versions.end());
  EXPECT_NE(std::ranges::find(versions, provider->active_version()),
            versions.end());
  crypto::SystemRng rng;
  const SecretBytes key = rng.secret(32);
  for (const KekVersion version : versions) {
    const auto wrapped =
        provider->wrap(key, as_bytes("context"), version, soon());
    ASSERT_TRUE(wrapped) << wrapped.error().message();
    EXPECT_EQ(wrapped->version, version);
    EXPECT_TRUE(provider->unwrap(*wrapped, as_bytes("context"), soon()));
  }
  const auto probed = provider->probe(soon());
  EXPECT_TRUE(probed) << probed.error().message();
}

}  // namespace conformance

inline void check_conformance(const ConformanceCase& given) {
  conformance::check_round_trip(given);
  conformance::check_refusals(given);
  conformance::check_hostile_blobs(given);
  conformance::check_versions(given);
  EXPECT_FALSE(given.make()->kind().empty());
  EXPECT_FALSE(given.make()->name().empty());
}

}  // namespace bulla::kek
