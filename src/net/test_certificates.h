#pragma once

// For this folder's tests: certificates made on the spot, in a directory that
// goes away with them.

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>

namespace bulla::net {

/// A certificate and its key, as objects and as PEM files.
struct TestCertificate {
  std::shared_ptr<EVP_PKEY> key;
  std::shared_ptr<X509> x509;
  std::string cert_file;
  std::string key_file;
};

class TestCertificates {
 public:
  TestCertificates() {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "bulla-net-XXXXXX").string();
    directory_ = ::mkdtemp(pattern.data());
  }
  ~TestCertificates() { std::filesystem::remove_all(directory_); }
  TestCertificates(const TestCertificates&) = delete;
  TestCertificates& operator=(const TestCertificates&) = delete;

  /// A certificate for `name` and 127.0.0.1, signed by `issuer` or by itself.
  TestCertificate make(const std::string& name,
                       const TestCertificate* issuer = nullptr) {
    TestCertificate made;
    made.key.reset(EVP_EC_gen("P-256"), &EVP_PKEY_free);
    made.x509.reset(X509_new(), &X509_free);
    auto* const x509 = made.x509.get();
    X509_set_version(x509, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(x509), ++serial_);
    X509_gmtime_adj(X509_getm_notBefore(x509), -60);
    X509_gmtime_adj(X509_getm_notAfter(x509), 3600);
    X509_set_pubkey(x509, made.key.get());
    const void* text = name.c_str();
    X509_NAME_add_entry_by_txt(X509_get_subject_name(x509), "CN", MBSTRING_ASC,
                               static_cast<const unsigned char*>(text), -1, -1,
                               0);
    X509_set_issuer_name(
        x509, X509_get_subject_name(issuer ? issuer->x509.get() : x509));
    extend(x509, NID_basic_constraints, "CA:TRUE");
    extend(x509, NID_subject_alt_name, "DNS:" + name + ",IP:127.0.0.1");
    X509_sign(x509, issuer ? issuer->key.get() : made.key.get(), EVP_sha256());
    made.cert_file = path(".crt");
    made.key_file = path(".key");
    write(made);
    return made;
  }

  /// Writes `made` to its files again, or over those of another.
  static void write(const TestCertificate& made) {
    std::FILE* file = std::fopen(made.cert_file.c_str(), "w");
    PEM_write_X509(file, made.x509.get());
    std::fclose(file);
    file = std::fopen(made.key_file.c_str(), "w");
    PEM_write_PrivateKey(file, made.key.get(), nullptr, nullptr, 0, nullptr,
                         nullptr);
    std::fclose(file);
  }

 private:
  static void extend(X509* x509, int nid, const std::string& value) {
    X509_EXTENSION* extension =
        X509V3_EXT_conf_nid(nullptr, nullptr, nid, value.c_str());
    X509_add_ext(x509, extension, -1);
    X509_EXTENSION_free(extension);
  }
  std::string path(const char* ending) const {
    return directory_ + "/" + std::to_string(serial_) + ending;
  }

  std::string directory_;
  int serial_ = 0;
};

}  // namespace bulla::net
