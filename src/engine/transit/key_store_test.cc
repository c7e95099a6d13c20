// What import, certificates, backups and restores need of the key store.

#include "engine/transit/key_store.h"

#include <gtest/gtest.h>

#include <thread>

#include "engine/transit/test_support.h"

namespace bulla::engine::transit {
namespace {

class KeyStoreTest : public TransitTest {
 protected:
  KeyStore& store() { return backend_->keys(); }
  static Result<void> agree(KeyRecord&) { return {}; }

  Material pair(bool with_private = true) {
    KeyRecord record;
    record.type = KeyType::kEcdsaP256;
    auto made = std::get<KeyPairMaterial>(make_material(record, rng_).value());
    if (!with_private) made.pkcs8 = SecretBytes();
    return made;
  }
  static KeyRecord imported(KeyType type, bool may_rotate = false) {
    KeyRecord record;
    record.type = type;
    record.imported = true;
    record.allow_imported_rotation = may_rotate;
    return record;
  }
  void import(std::string_view name, KeyRecord record, Material material) {
    const auto made =
        store().create(name, record, clock_.time, std::move(material));
    ASSERT_TRUE(made) << made.error().message();
    EXPECT_TRUE(made->created);
  }
  Material symmetric() {
    return SymmetricMaterial{SecretBytes::copy_of(counting(32))};
  }

  // A key of `count` versions, as a backup holds it.
  std::pair<KeyRecord, std::vector<VersionRecord>> whole_key(
      std::string_view name, std::uint32_t count) {
    KeyRecord record;
    record.name = std::string(name);
    record.latest_version = count;
    std::vector<VersionRecord> versions;
    for (std::uint32_t number = 1; number <= count; ++number) {
      VersionRecord version;
      version.number = number;
      version.created = clock_.time;
      version.hmac_key = rng_.secret(32);
      version.material = SymmetricMaterial{rng_.secret(32)};
      versions.push_back(std::move(version));
    }
    return {std::move(record), std::move(versions)};
  }
};

TEST_F(KeyStoreTest, ImportedMaterialIsVersionOne) {
  import("k", imported(KeyType::kAes256Gcm96), symmetric());
  EXPECT_EQ(hex_encode(snapshot("k")->latest().secret_key()),
            hex_encode(counting(32)));
  const Outcome body = get("keys/k");
  EXPECT_EQ(body.at("/imported_key"), "true");
  EXPECT_EQ(body.at("/imported_key_allow_rotation"), "false");
  EXPECT_EQ(decrypt("k", encrypt("k", "x")), "x");
  // It is not for keys that are there, nor for another type.
  const auto again =
      store().create("k", imported(KeyType::kHmac), clock_.time, symmetric());
  EXPECT_FALSE(again.value().created);
  const auto wrong = store().create("w", imported(KeyType::kAes128Gcm96),
                                    clock_.time, symmetric());
  EXPECT_EQ(wrong.error().code(), ErrorCode::kCorrupt);
  EXPECT_FALSE(get("keys/w").response.present);
}

TEST_F(KeyStoreTest, ImportedKeysRotateOnlyIfAllowed) {
  import("no", imported(KeyType::kAes256Gcm96), symmetric());
  const Outcome refused = post("keys/no/rotate");
  EXPECT_EQ(refused.code, ErrorCode::kInternal);
  EXPECT_EQ(refused.error,
            "imported key no does not allow rotation within Vault");
  must(post("keys/no/config", R"({"auto_rotate_period":"1h"})"));
  KeyRecord may = imported(KeyType::kAes256Gcm96, true);
  may.auto_rotate_period = Seconds(3600);
  import("yes", may, symmetric());
  clock_.time += Seconds(7200);
  backend_->tick(clock_.time);
  EXPECT_EQ(get("keys/no").at("/latest_version"), "1");
  const Outcome rotated = get("keys/yes");
  EXPECT_EQ(rotated.at("/latest_version"), "2");
  // A version of the server's own making ends it.
  EXPECT_EQ(rotated.at("/imported_key"), "false");
  EXPECT_EQ(rotated.at("/imported_key_allow_rotation"), "<absent>");
}

TEST_F(KeyStoreTest, ImportedVersionsAreAppended) {
  import("k", imported(KeyType::kEcdsaP256), pair());
  ASSERT_TRUE(store().append_version("k", clock_.time, pair(false), agree));
  const Outcome body = get("keys/k");
  EXPECT_EQ(body.at("/latest_version"), "2");
  EXPECT_EQ(body.at("/imported_key"), "true");
  EXPECT_EQ(snapshot("k")->latest().private_key(), nullptr);
  EXPECT_NE(snapshot("k")->latest().public_key(), nullptr);
  const auto refuse = [](KeyRecord&) {
    return Result<void>(fail(invalid_argument("no")));
  };
  EXPECT_EQ(store()
                .append_version("k", clock_.time, pair(), refuse)
                .error()
                .message(),
            "no");
  EXPECT_EQ(store()
                .append_version("k", clock_.time, symmetric(), agree)
                .error()
                .code(),
            ErrorCode::kCorrupt);
  EXPECT_EQ(
      store().append_version("none", clock_.time, pair(), agree).error().code(),
      ErrorCode::kNotFound);
  EXPECT_EQ(get("keys/k").at("/latest_version"), "2");
  EXPECT_EQ(stored_versions("k"), 2U);
}

TEST_F(KeyStoreTest, AVersionGetsItsPrivateHalfAndCertificatesLater) {
  auto whole = std::get<KeyPairMaterial>(pair());
  import("k", imported(KeyType::kEcdsaP256),
         KeyPairMaterial{{}, whole.spki, {}});
  ASSERT_TRUE(store().append_version("k", clock_.time, pair(), agree));
  const auto complete = [&](const KeyRecord&, VersionRecord& version) {
    auto& stored = std::get<KeyPairMaterial>(version.material);
    stored.pkcs8 = whole.pkcs8.clone();
    stored.certificates = {{1, 2, 3}};
    return Result<void>();
  };
  ASSERT_TRUE(store().update_version("k", 1, complete));
  for (const bool again : {false, true}) {
    if (again) restart();
    EXPECT_THAT(get("keys/k").at("/keys/1/certificate_chain"),
                testing::StartsWith("-----BEGIN CERTIFICATE-----"));
    const auto version = store().load_version(*snapshot("k"), 1).value();
    ASSERT_NE(version->private_key(), nullptr);
    EXPECT_TRUE(version->private_key()->public_key() == *version->public_key());
    EXPECT_EQ(version->certificates().size(), 1U);
  }
  // What does not fit is not stored, nor is a version that is not there.
  const auto mismatch = [&](const KeyRecord&, VersionRecord& version) {
    std::get<KeyPairMaterial>(version.material).pkcs8 = whole.pkcs8.clone();
    return Result<void>();
  };
  EXPECT_EQ(store().update_version("k", 2, mismatch).error().code(),
            ErrorCode::kCorrupt);
  EXPECT_EQ(store().update_version("k", 3, mismatch).error().message(),
            "no such key version");
  EXPECT_EQ(store().update_version("none", 1, mismatch).error().code(),
            ErrorCode::kNotFound);
}

TEST_F(KeyStoreTest, VisitsVersionsInOrderWithoutKeepingThem) {
  make_key("k");
  for (int i = 0; i < 9; ++i) rotate("k");
  restart();
  const auto key = snapshot("k");
  std::vector<std::uint32_t> seen;
  ASSERT_TRUE(store().visit_versions(*key, 2, 10, [&](const KeyVersion& v) {
    seen.push_back(v.number());
    return Result<void>();
  }));
  EXPECT_EQ(seen, (std::vector<std::uint32_t>{2, 3, 4, 5, 6, 7, 8, 9, 10}));
  EXPECT_EQ(snapshot("k")->versions().size(), 1U);
}

TEST_F(KeyStoreTest, RestoresAWholeKey) {
  auto [record, versions] = whole_key("k", 3);
  record.min_decryption_version = 2;
  record.restore_info = KeyStamp{clock_.time, 3};
  ASSERT_TRUE(store().restore(record, std::move(versions), false));
  EXPECT_EQ(get("keys/k").at("/keys"), R"({"2":1700000000,"3":1700000000})");
  EXPECT_EQ(get("keys/k").at("/restore_info"),
            R"({"time":"2023-11-14T22:13:20Z","version":3})");
  EXPECT_EQ(decrypt("k", encrypt("k", "x")), "x");
  auto [other, other_versions] = whole_key("k", 1);
  const auto taken = store().restore(other, std::move(other_versions), false);
  EXPECT_EQ(taken.error().code(), ErrorCode::kInternal);
  EXPECT_EQ(taken.error().message(), "key \"k\" already exists");
  EXPECT_EQ(stored_versions("k"), 3U);
}

TEST_F(KeyStoreTest, RefusesHalfAKey) {
  auto [record, versions] = whole_key("k", 3);
  versions.pop_back();
  EXPECT_EQ(store().restore(record, std::move(versions), true).error().code(),
            ErrorCode::kInvalidArgument);
  std::tie(record, versions) = whole_key("k", 3);
  versions.erase(versions.begin());
  EXPECT_EQ(store().restore(record, std::move(versions), true).error().code(),
            ErrorCode::kInvalidArgument);
  EXPECT_FALSE(store().restore(record, {}, true));
  std::tie(record, versions) = whole_key("k", 3);
  versions[1].material = pair();
  EXPECT_EQ(store().restore(record, std::move(versions), true).error().code(),
            ErrorCode::kCorrupt);
  std::tie(record, versions) = whole_key("k", 3);
  record.min_decryption_version = 4;
  EXPECT_EQ(store().restore(record, std::move(versions), true).error().code(),
            ErrorCode::kCorrupt);
  EXPECT_EQ(stored_versions("k"), 0U);
  EXPECT_FALSE(get("keys/k").response.present);
}

// A crash at any step of a restore leaves what was there or the new key, both
// whole, and nothing of the other for long.
TEST_F(KeyStoreTest, ACrashedRestoreIsAllOrNothing) {
  for (const bool replaces : {false, true}) {
    for (std::uint64_t step = 1;; ++step) {
      std::string before = "encryption key not found";
      if (replaces) {
        make_key("k");
        for (int i = 0; i < 4; ++i) rotate("k");
        before = encrypt("k", "x");
      }
      auto [record, versions] = whole_key("k", 150);
      storage_.clear();
      storage_.crash_at(step);
      const bool done =
          store().restore(record, std::move(versions), true).has_value() &&
          storage_.steps() < step;
      storage_.clear();
      restart();
      backend_->tick(clock_.time);
      const Outcome shown = get("keys/k");
      const std::size_t stored = stored_versions("k");
      if (shown.at("/latest_version") == "150") {
        EXPECT_EQ(stored, 150U) << "at step " << step;
        ASSERT_TRUE(store().visit_versions(
            *snapshot("k"), 1, 150,
            [](const KeyVersion&) { return Result<void>(); }));
      } else if (replaces) {
        EXPECT_EQ(stored, 5U) << "at step " << step;
        EXPECT_EQ(decrypt("k", before), "x") << "at step " << step;
      } else {
        EXPECT_EQ(stored, 0U) << "at step " << step;
        EXPECT_FALSE(shown.response.present);
      }
      EXPECT_TRUE(view_.list("purge/").value().empty());
      if (shown.response.present) {
        must(post("keys/k/config", R"({"deletion_allowed":true})"));
        must(call(api::Operation::kDelete, "keys/k"));
      }
      if (done) break;
    }
  }
}

// Making an RSA key keeps neither other keys nor other makers waiting, and one
// of two makers of the same name wins.
TEST_F(KeyStoreTest, MakersOfOneNameAgree) {
  std::vector<std::thread> makers;
  for (int t = 0; t < 3; ++t) {
    makers.emplace_back([&] {
      KeyRecord wanted;
      wanted.type = KeyType::kEcdsaP384;
      EXPECT_TRUE(store().create("k", wanted, clock_.time));
      for (int i = 0; i < 5; ++i) {
        EXPECT_TRUE(store().update("k", clock_.time, [](KeyRecord&) {
          return Result<KeyEdit>(KeyEdit::kRotate);
        }));
      }
    });
  }
  for (std::thread& maker : makers) maker.join();
  EXPECT_EQ(get("keys/k").at("/latest_version"), "16");
  EXPECT_EQ(stored_versions("k"), 16U);
}

TEST_F(KeyStoreTest, TheWrappingKeyIsHidden) {
  const auto made = backend_->wrapping_pair(clock_.time);
  ASSERT_TRUE(made);
  EXPECT_EQ((*made)->type().name, "rsa-4096");
  EXPECT_FALSE(call(api::Operation::kList, "keys").response.present);
  EXPECT_FALSE(get("keys/wrapping-key").response.present);
  restart();
  const auto again = backend_->wrapping_pair(clock_.time);
  ASSERT_TRUE(again);
  EXPECT_TRUE(*(*again)->latest().public_key() ==
              *(*made)->latest().public_key());
}

}  // namespace
}  // namespace bulla::engine::transit
