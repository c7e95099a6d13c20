#include "kek/pkcs11_module.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <vector>

namespace bulla::kek {
namespace {

// The state that PKCS#11 itself keeps a process, by the module's real path.
std::mutex loaded_mutex;
std::map<std::string, std::weak_ptr<Pkcs11Module>>& loaded_modules() {
  static std::map<std::string, std::weak_ptr<Pkcs11Module>> modules;
  return modules;
}

Error not_loaded(std::string_view path, std::string_view why) {
  return unavailable(fmt::format("the PKCS#11 module \"{}\": {}", path, why));
}

Result<CK_FUNCTION_LIST*> functions_of(const std::string& path) {
  void* const handle = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    const char* const why = ::dlerror();
    return fail(not_loaded(path, why == nullptr ? "cannot be loaded" : why));
  }
  auto* const get = reinterpret_cast<CK_C_GetFunctionList>(
      ::dlsym(handle, "C_GetFunctionList"));
  CK_FUNCTION_LIST* calls = nullptr;
  if (get != nullptr && get(&calls) == CKR_OK && calls != nullptr) {
    return calls;
  }
  ::dlclose(handle);
  return fail(not_loaded(path, "is not a PKCS#11 module"));
}

// Texts are padded with blanks.
template <std::size_t N>
std::string padded_text(const unsigned char (&bytes)[N]) {
  std::string text(reinterpret_cast<const char*>(bytes), N);
  text.erase(text.find_last_not_of(std::string_view(" \0", 2)) + 1);
  return text;
}

std::string label_of(const CK_TOKEN_INFO& info) {
  return padded_text(info.label);
}

Result<std::vector<CK_SLOT_ID>> slots_of(const CK_FUNCTION_LIST& calls) {
  for (int attempt = 0; attempt < 4; ++attempt) {
    CK_ULONG count = 0;
    CK_RV answer = calls.C_GetSlotList(CK_TRUE, nullptr, &count);
    std::vector<CK_SLOT_ID> slots(count);
    if (answer == CKR_OK && count > 0) {
      answer = calls.C_GetSlotList(CK_TRUE, slots.data(), &count);
    }
    // A token may have come between the two calls.
    if (answer == CKR_BUFFER_TOO_SMALL) continue;
    if (answer != CKR_OK) return fail(pkcs11_error("C_GetSlotList", answer));
    slots.resize(count);
    return slots;
  }
  return fail(pkcs11_error("C_GetSlotList", CKR_BUFFER_TOO_SMALL));
}

}  // namespace

Result<std::shared_ptr<Pkcs11Module>> Pkcs11Module::load(
    const std::string& path) {
  char* const resolved = ::realpath(path.c_str(), nullptr);
  const std::string real = resolved == nullptr ? path : resolved;
  std::free(resolved);
  const std::lock_guard lock(loaded_mutex);
  auto& known = loaded_modules()[real];
  if (auto module = known.lock()) return module;
  TRY_ASSIGN(CK_FUNCTION_LIST* const calls, functions_of(real));
  const std::shared_ptr<Pkcs11Module> module(new Pkcs11Module(real, calls));
  TRY(module->initialise());
  known = module;
  return module;
}

Pkcs11Module::~Pkcs11Module() {
  if (ours_) calls_->C_Finalize(nullptr);
}

Result<void> Pkcs11Module::initialise() {
  CK_C_INITIALIZE_ARGS args{};
  args.flags = CKF_OS_LOCKING_OK;
  const CK_RV answer = calls_->C_Initialize(&args);
  if (answer == CKR_CRYPTOKI_ALREADY_INITIALIZED) return {};
  if (answer == CKR_OK) {
    ours_ = true;
    return {};
  }
  return fail(
      not_loaded(path_, pkcs11_error("C_Initialize", answer).message()));
}

Result<CK_SLOT_ID> Pkcs11Module::find_slot(std::optional<CK_SLOT_ID> wanted,
                                           std::string_view token_label) const {
  TRY_ASSIGN(const auto slots, slots_of(*calls_));
  std::string present;
  for (const CK_SLOT_ID slot : slots) {
    CK_TOKEN_INFO info{};
    if (calls_->C_GetTokenInfo(slot, &info) != CKR_OK) continue;
    const std::string label = label_of(info);
    if ((!wanted || *wanted == slot) &&
        (token_label.empty() || token_label == label)) {
      return slot;
    }
    present += fmt::format("{}slot {} \"{}\"", present.empty() ? "" : ", ",
                           slot, label);
  }
  std::string sought = wanted ? fmt::format("slot {}", *wanted) : "";
  if (!token_label.empty()) {
    sought +=
        fmt::format("{}token_label \"{}\"", wanted ? " and " : "", token_label);
  }
  return fail(unavailable(
      fmt::format("the PKCS#11 module \"{}\" has no token with {}; present: {}",
                  path_, sought, present.empty() ? "none" : present)));
}

Result<Pkcs11TokenIdentity> Pkcs11Module::identity(CK_SLOT_ID slot) const {
  CK_TOKEN_INFO info{};
  const CK_RV answer = calls_->C_GetTokenInfo(slot, &info);
  if (answer != CKR_OK) return fail(pkcs11_error("C_GetTokenInfo", answer));
  return Pkcs11TokenIdentity{label_of(info), padded_text(info.manufacturerID),
                             padded_text(info.model),
                             padded_text(info.serialNumber)};
}

}  // namespace bulla::kek
