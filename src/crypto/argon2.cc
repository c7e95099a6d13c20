#include "crypto/argon2.h"

#include <argon2.h>
#include <fmt/format.h>
#include <sys/mman.h>

namespace bulla::crypto {
namespace {

int take_memory(std::uint8_t** memory, std::size_t size) {
  void* const pages = ::mmap(nullptr, size, PROT_READ | PROT_WRITE,
                             MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (pages == MAP_FAILED) return ARGON2_MEMORY_ALLOCATION_ERROR;
  ::madvise(pages, size, MADV_DONTDUMP);
  *memory = static_cast<std::uint8_t*>(pages);
  return ARGON2_OK;
}

// The library has wiped it by now.
void give_memory(std::uint8_t* memory, std::size_t size) {
  ::munmap(memory, size);
}

// The library takes pointers to what it does not change.
std::uint8_t* unconst(ByteView bytes) {
  return const_cast<std::uint8_t*>(bytes.data());
}

argon2_context context_of(const Argon2Input& input, const Argon2Cost& cost,
                          ByteSpan out) {
  argon2_context context{};
  context.out = out.data();
  context.outlen = static_cast<std::uint32_t>(out.size());
  context.pwd = unconst(input.password);
  context.pwdlen = static_cast<std::uint32_t>(input.password.size());
  context.salt = unconst(input.salt);
  context.saltlen = static_cast<std::uint32_t>(input.salt.size());
  context.secret = unconst(input.secret);
  context.secretlen = static_cast<std::uint32_t>(input.secret.size());
  context.ad = unconst(input.associated_data);
  context.adlen = static_cast<std::uint32_t>(input.associated_data.size());
  context.t_cost = cost.passes;
  context.m_cost = cost.memory_kib;
  context.lanes = context.threads = cost.lanes;
  context.version = ARGON2_VERSION_13;
  context.allocate_cbk = take_memory;
  context.free_cbk = give_memory;
  context.flags = ARGON2_DEFAULT_FLAGS;
  return context;
}

}  // namespace

Result<SecretBytes> argon2id(const Argon2Input& input, const Argon2Cost& cost,
                             std::size_t size) {
  SecretBytes out(size);
  argon2_context context = context_of(input, cost, out.expose_mutable());
  const int status = argon2id_ctx(&context);
  if (status == ARGON2_OK) return out;
  const std::string what =
      fmt::format("Argon2id: {}", argon2_error_message(status));
  if (status == ARGON2_MEMORY_ALLOCATION_ERROR ||
      status == ARGON2_THREAD_FAIL) {
    return fail(unavailable(what));
  }
  return fail(invalid_argument(what));
}

}  // namespace bulla::crypto
