/* A PKCS#11 module for the tests: one token with AES keys in memory. It is
 * strict where SoftHSM is not, counts what the caller does wrong in `faults`,
 * and fails as it is told to. Token "fake", PIN "1234". */

#include "fake_pkcs11.h"

#include <openssl/evp.h>
#include <openssl/rand.h>
#include <p11-kit/pkcs11.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#define SESSIONS 32
#define KEYS 32
#define SLOT 7
#define TAG 16
#define IV 12

struct fake_pkcs11_control fake_pkcs11 = {.tag_bytes = TAG};

struct key {
  int used, on_token, encrypts, decrypts;
  CK_SESSION_HANDLE owner;
  unsigned char value[32], label[128], id[64];
  CK_ULONG label_size, id_size;
};
struct session {
  CK_SESSION_HANDLE handle; /* 0: not open. None is used twice. */
  int busy, finding;
  CK_ULONG operation; /* 0, or the mechanism's owner: 1 encrypt, 2 decrypt */
  CK_OBJECT_HANDLE key, found[KEYS];
  CK_ULONG found_count, found_at;
  CK_GCM_PARAMS gcm;
  unsigned char iv[16], aad[4096];
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct session sessions[SESSIONS];
static struct key keys[KEYS];
static CK_SESSION_HANDLE last_handle;
static int initialised, logged_in;
static CK_ULONG token_seen; /* 1 or 0, as of C_Initialize */

static void forget_sessions(void) {
  memset(sessions, 0, sizeof sessions);
  fake_pkcs11.sessions_open = 0;
  logged_in = 0;
  for (int i = 0; i < KEYS; ++i) {
    if (!keys[i].on_token) memset(&keys[i], 0, sizeof keys[i]);
  }
}

/* What befalls any call; with the mutex held. */
static CK_RV befall(const char* function) {
  if (!initialised) return CKR_CRYPTOKI_NOT_INITIALIZED;
  if (fake_pkcs11.lose_sessions) {
    fake_pkcs11.lose_sessions = 0;
    forget_sessions();
  }
  if (fake_pkcs11.removed_calls > 0) {
    --fake_pkcs11.removed_calls;
    forget_sessions();
    return CKR_DEVICE_REMOVED;
  }
  if (fake_pkcs11.fail_times > 0 && fake_pkcs11.fail_function != NULL &&
      strcmp(function, fake_pkcs11.fail_function) == 0) {
    --fake_pkcs11.fail_times;
    return fake_pkcs11.fail_answer;
  }
  return CKR_OK;
}

static struct session* session_of(CK_SESSION_HANDLE handle) {
  for (int i = 0; i < SESSIONS; ++i) {
    if (handle != 0 && sessions[i].handle == handle) return &sessions[i];
  }
  return NULL;
}

static struct key* key_of(CK_OBJECT_HANDLE handle) {
  if (handle == 0 || handle > KEYS || !keys[handle - 1].used) return NULL;
  return &keys[handle - 1];
}

#define ENTER(function)            \
  pthread_mutex_lock(&mutex);      \
  CK_RV answer = befall(function); \
  if (answer != CKR_OK) goto out
#define ENTER_SESSION(function, handle)         \
  ENTER(function);                              \
  struct session* session = session_of(handle); \
  if (session == NULL) {                        \
    answer = CKR_SESSION_HANDLE_INVALID;        \
    goto out;                                   \
  }                                             \
  if (session->busy) ++fake_pkcs11.faults
/* A call that uses an operation ends it, however it ends itself. */
static void end_operation(CK_SESSION_HANDLE handle) {
  struct session* session = session_of(handle);
  if (session != NULL) session->operation = 0;
}

#define LEAVE                   \
  out:                          \
  pthread_mutex_unlock(&mutex); \
  return answer
#define LEAVE_OPERATION(handle) \
  out:                          \
  end_operation(handle);        \
  pthread_mutex_unlock(&mutex); \
  return answer
#define REFUSE(value) \
  do {                \
    answer = (value); \
    goto out;         \
  } while (0)
/* The caller broke the standard. */
#define FAULT(value)      \
  do {                    \
    ++fake_pkcs11.faults; \
    REFUSE(value);        \
  } while (0)

static CK_RV initialize(void* args) {
  pthread_mutex_lock(&mutex);
  CK_RV answer = CKR_OK;
  const CK_C_INITIALIZE_ARGS* given = args;
  if (initialised) {
    answer = CKR_CRYPTOKI_ALREADY_INITIALIZED;
  } else if (given == NULL || !(given->flags & CKF_OS_LOCKING_OK)) {
    ++fake_pkcs11.faults;
    answer = CKR_CANT_LOCK;
  } else {
    initialised = 1;
    token_seen = !fake_pkcs11.absent;
  }
  pthread_mutex_unlock(&mutex);
  return answer;
}

static CK_RV finalize(void* reserved) {
  (void)reserved;
  pthread_mutex_lock(&mutex);
  forget_sessions();
  initialised = 0;
  pthread_mutex_unlock(&mutex);
  return CKR_OK;
}

static CK_RV get_slot_list(unsigned char present, CK_SLOT_ID* slots,
                           CK_ULONG* count) {
  (void)present;
  ENTER("C_GetSlotList");
  if (slots != NULL && *count < token_seen) REFUSE(CKR_BUFFER_TOO_SMALL);
  if (slots != NULL && token_seen) slots[0] = SLOT;
  *count = token_seen;
  LEAVE;
}

static CK_RV get_token_info(CK_SLOT_ID slot, CK_TOKEN_INFO* info) {
  ENTER("C_GetTokenInfo");
  if (slot != SLOT) REFUSE(CKR_SLOT_ID_INVALID);
  memset(info, 0, sizeof *info);
  memset(info->label, ' ', sizeof info->label);
  memcpy(info->label, "fake", 4);
  LEAVE;
}

static CK_RV open_session(CK_SLOT_ID slot, CK_FLAGS flags, void* application,
                          CK_NOTIFY notify, CK_SESSION_HANDLE* handle) {
  (void)application;
  (void)notify;
  ENTER("C_OpenSession");
  if (slot != SLOT) REFUSE(CKR_SLOT_ID_INVALID);
  if (!(flags & CKF_SERIAL_SESSION)) {
    FAULT(CKR_SESSION_PARALLEL_NOT_SUPPORTED);
  }
  for (CK_ULONG i = 0; i < SESSIONS; ++i) {
    if (sessions[i].handle != 0) continue;
    memset(&sessions[i], 0, sizeof sessions[i]);
    *handle = sessions[i].handle = ++last_handle;
    if (++fake_pkcs11.sessions_open > fake_pkcs11.sessions_open_max) {
      fake_pkcs11.sessions_open_max = fake_pkcs11.sessions_open;
    }
    goto out;
  }
  REFUSE(CKR_SESSION_COUNT);
  LEAVE;
}

static CK_RV close_session(CK_SESSION_HANDLE handle) {
  ENTER_SESSION("C_CloseSession", handle);
  session->handle = 0;
  for (int i = 0; i < KEYS; ++i) {
    if (keys[i].used && !keys[i].on_token && keys[i].owner == handle) {
      memset(&keys[i], 0, sizeof keys[i]);
    }
  }
  if (--fake_pkcs11.sessions_open == 0) logged_in = 0;
  LEAVE;
}

static CK_RV login(CK_SESSION_HANDLE handle, CK_USER_TYPE user,
                   unsigned char* pin, CK_ULONG size) {
  ENTER_SESSION("C_Login", handle);
  if (user != CKU_USER) FAULT(CKR_USER_TYPE_INVALID);
  if (logged_in) REFUSE(CKR_USER_ALREADY_LOGGED_IN);
  ++fake_pkcs11.logins;
  if (size != 4 || memcmp(pin, "1234", 4) != 0) REFUSE(CKR_PIN_INCORRECT);
  logged_in = 1;
  LEAVE;
}

static const CK_ATTRIBUTE* attribute_of(const CK_ATTRIBUTE* list,
                                        CK_ULONG count,
                                        CK_ATTRIBUTE_TYPE type) {
  for (CK_ULONG i = 0; i < count; ++i) {
    if (list[i].type == type) return &list[i];
  }
  return NULL;
}

/* -1: not there. */
static int flag_of(const CK_ATTRIBUTE* list, CK_ULONG count,
                   CK_ATTRIBUTE_TYPE type) {
  const CK_ATTRIBUTE* found = attribute_of(list, count, type);
  return found == NULL ? -1 : *(const CK_BBOOL*)found->pValue;
}

static int same(const CK_ATTRIBUTE* wanted, const unsigned char* value,
                CK_ULONG size) {
  return wanted == NULL || (wanted->ulValueLen == size &&
                            memcmp(wanted->pValue, value, size) == 0);
}

static CK_RV find_init(CK_SESSION_HANDLE handle, CK_ATTRIBUTE* list,
                       CK_ULONG count) {
  ENTER_SESSION("C_FindObjectsInit", handle);
  if (session->finding) FAULT(CKR_OPERATION_ACTIVE);
  session->finding = 1;
  session->found_count = session->found_at = 0;
  const CK_ATTRIBUTE* class = attribute_of(list, count, CKA_CLASS);
  if (class == NULL) FAULT(CKR_TEMPLATE_INCOMPLETE);
  if (*(CK_OBJECT_CLASS*)class->pValue != CKO_SECRET_KEY) goto out;
  for (CK_ULONG i = 0; i < KEYS; ++i) {
    /* Keys are private objects: unseen without a login. */
    if (keys[i].used && logged_in &&
        same(attribute_of(list, count, CKA_LABEL), keys[i].label,
             keys[i].label_size) &&
        same(attribute_of(list, count, CKA_ID), keys[i].id, keys[i].id_size)) {
      session->found[session->found_count++] = i + 1;
    }
  }
  LEAVE;
}

static CK_RV find(CK_SESSION_HANDLE handle, CK_OBJECT_HANDLE* out,
                  CK_ULONG most, CK_ULONG* count) {
  ENTER_SESSION("C_FindObjects", handle);
  if (!session->finding) FAULT(CKR_OPERATION_NOT_INITIALIZED);
  *count = 0;
  while (*count < most && session->found_at < session->found_count) {
    out[(*count)++] = session->found[session->found_at++];
  }
  LEAVE;
}

static CK_RV find_final(CK_SESSION_HANDLE handle) {
  ENTER_SESSION("C_FindObjectsFinal", handle);
  if (!session->finding) FAULT(CKR_OPERATION_NOT_INITIALIZED);
  session->finding = 0;
  LEAVE;
}

static CK_RV get_attribute(CK_SESSION_HANDLE handle, CK_OBJECT_HANDLE object,
                           CK_ATTRIBUTE* list, CK_ULONG count) {
  ENTER_SESSION("C_GetAttributeValue", handle);
  const struct key* key = key_of(object);
  if (key == NULL) REFUSE(CKR_OBJECT_HANDLE_INVALID);
  for (CK_ULONG i = 0; i < count; ++i) {
    const int is_label = list[i].type == CKA_LABEL;
    if (!is_label && list[i].type != CKA_ID) FAULT(CKR_ATTRIBUTE_SENSITIVE);
    const CK_ULONG size = is_label ? key->label_size : key->id_size;
    if (list[i].pValue != NULL) {
      if (list[i].ulValueLen < size) REFUSE(CKR_BUFFER_TOO_SMALL);
      memcpy(list[i].pValue, is_label ? key->label : key->id, size);
    }
    list[i].ulValueLen = size;
  }
  LEAVE;
}

static CK_RV generate(CK_SESSION_HANDLE handle, CK_MECHANISM* mechanism,
                      CK_ATTRIBUTE* list, CK_ULONG count,
                      CK_OBJECT_HANDLE* out) {
  ENTER_SESSION("C_GenerateKey", handle);
  if (!logged_in) REFUSE(CKR_USER_NOT_LOGGED_IN);
  if (mechanism->mechanism != CKM_AES_KEY_GEN) REFUSE(CKR_MECHANISM_INVALID);
  const CK_ATTRIBUTE* size = attribute_of(list, count, CKA_VALUE_LEN);
  if (size == NULL || *(CK_ULONG*)size->pValue != sizeof keys[0].value) {
    FAULT(CKR_TEMPLATE_INCOMPLETE);
  }
  /* What keeps a KEK in the device has to be said. */
  if (flag_of(list, count, CKA_SENSITIVE) != CK_TRUE ||
      flag_of(list, count, CKA_EXTRACTABLE) != CK_FALSE ||
      flag_of(list, count, CKA_PRIVATE) != CK_TRUE ||
      flag_of(list, count, CKA_TOKEN) < 0) {
    FAULT(CKR_TEMPLATE_INCONSISTENT);
  }
  const CK_ATTRIBUTE* label = attribute_of(list, count, CKA_LABEL);
  const CK_ATTRIBUTE* id = attribute_of(list, count, CKA_ID);
  for (CK_ULONG i = 0; i < KEYS; ++i) {
    struct key* key = &keys[i];
    if (key->used) continue;
    key->used = 1;
    key->owner = handle;
    key->on_token = flag_of(list, count, CKA_TOKEN);
    key->encrypts = flag_of(list, count, CKA_ENCRYPT) == CK_TRUE;
    key->decrypts = flag_of(list, count, CKA_DECRYPT) == CK_TRUE;
    if (label != NULL) {
      key->label_size = label->ulValueLen;
      memcpy(key->label, label->pValue, label->ulValueLen);
    }
    if (id != NULL) {
      key->id_size = id->ulValueLen;
      memcpy(key->id, id->pValue, id->ulValueLen);
    }
    RAND_bytes(key->value, sizeof key->value);
    *out = i + 1;
    goto out;
  }
  REFUSE(CKR_DEVICE_MEMORY);
  LEAVE;
}

static CK_RV destroy(CK_SESSION_HANDLE handle, CK_OBJECT_HANDLE object) {
  ENTER_SESSION("C_DestroyObject", handle);
  struct key* key = key_of(object);
  if (key == NULL) REFUSE(CKR_OBJECT_HANDLE_INVALID);
  memset(key, 0, sizeof *key);
  LEAVE;
}

static CK_RV begin(struct session* session, CK_MECHANISM* mechanism,
                   CK_OBJECT_HANDLE object, CK_ULONG operation) {
  const struct key* key = key_of(object);
  const CK_GCM_PARAMS* gcm = mechanism->pParameter;
  if (session->operation != 0) {
    ++fake_pkcs11.faults;
    return CKR_OPERATION_ACTIVE;
  }
  if (!logged_in) return CKR_USER_NOT_LOGGED_IN;
  if (key == NULL) return CKR_KEY_HANDLE_INVALID;
  if (mechanism->mechanism != CKM_AES_GCM) return CKR_MECHANISM_INVALID;
  if (operation == 1 ? !key->encrypts : !key->decrypts) {
    return CKR_KEY_FUNCTION_NOT_PERMITTED;
  }
  if (mechanism->ulParameterLen != sizeof *gcm || gcm->tag_bits != TAG * 8 ||
      gcm->iv_len < IV || gcm->iv_len > sizeof session->iv ||
      gcm->iv_bits != gcm->iv_len * 8 || gcm->aad_len > sizeof session->aad) {
    ++fake_pkcs11.faults;
    return CKR_MECHANISM_PARAM_INVALID;
  }
  session->gcm = *gcm;
  memcpy(session->iv, gcm->iv_ptr, gcm->iv_len);
  if (gcm->aad_len > 0) memcpy(session->aad, gcm->aad_ptr, gcm->aad_len);
  session->key = object;
  session->operation = operation;
  return CKR_OK;
}

static CK_RV encrypt_init(CK_SESSION_HANDLE handle, CK_MECHANISM* mechanism,
                          CK_OBJECT_HANDLE object) {
  ENTER_SESSION("C_EncryptInit", handle);
  answer = begin(session, mechanism, object, 1);
  LEAVE;
}

static CK_RV decrypt_init(CK_SESSION_HANDLE handle, CK_MECHANISM* mechanism,
                          CK_OBJECT_HANDLE object) {
  ENTER_SESSION("C_DecryptInit", handle);
  answer = begin(session, mechanism, object, 2);
  LEAVE;
}

static void choose_iv(struct session* session) {
  if (fake_pkcs11.iv_mode == 1 || fake_pkcs11.iv_mode == 2) {
    RAND_bytes(session->iv, IV);
  }
  if (fake_pkcs11.iv_mode == 4) memset(session->iv, 4, IV);
  if (fake_pkcs11.iv_mode == 1 || fake_pkcs11.iv_mode == 4) {
    memcpy(session->gcm.iv_ptr, session->iv, IV);
  }
}

static CK_ULONG gcm_seal(const struct session* session, const unsigned char* in,
                         CK_ULONG size, unsigned char* out) {
  int got = 0;
  EVP_CIPHER_CTX* context = EVP_CIPHER_CTX_new();
  EVP_EncryptInit_ex(context, EVP_aes_256_gcm(), NULL, NULL, NULL);
  EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_SET_IVLEN, (int)session->gcm.iv_len,
                      NULL);
  EVP_EncryptInit_ex(context, NULL, NULL, keys[session->key - 1].value,
                     session->iv);
  EVP_EncryptUpdate(context, NULL, &got, session->aad,
                    (int)session->gcm.aad_len);
  EVP_EncryptUpdate(context, out, &got, in, (int)size);
  EVP_EncryptFinal_ex(context, out + size, &got);
  EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_GET_TAG, TAG, out + size);
  EVP_CIPHER_CTX_free(context);
  return size + (CK_ULONG)fake_pkcs11.tag_bytes;
}

static int gcm_open(const struct session* session, unsigned char* in,
                    CK_ULONG size, unsigned char* out) {
  int got = 0;
  EVP_CIPHER_CTX* context = EVP_CIPHER_CTX_new();
  EVP_DecryptInit_ex(context, EVP_aes_256_gcm(), NULL, NULL, NULL);
  EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_SET_IVLEN, (int)session->gcm.iv_len,
                      NULL);
  EVP_DecryptInit_ex(context, NULL, NULL, keys[session->key - 1].value,
                     session->iv);
  EVP_DecryptUpdate(context, NULL, &got, session->aad,
                    (int)session->gcm.aad_len);
  EVP_DecryptUpdate(context, out, &got, in, (int)(size - TAG));
  EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_SET_TAG, TAG, in + size - TAG);
  const int good = EVP_DecryptFinal_ex(context, out + size - TAG, &got) > 0;
  EVP_CIPHER_CTX_free(context);
  return good || fake_pkcs11.accept_forgeries;
}

static CK_RV encrypt(CK_SESSION_HANDLE handle, unsigned char* in, CK_ULONG size,
                     unsigned char* out, CK_ULONG* out_size) {
  ENTER_SESSION("C_Encrypt", handle);
  if (session->operation != 1) FAULT(CKR_OPERATION_NOT_INITIALIZED);
  if (fake_pkcs11.sleep_ms > 0) {
    session->busy = 1;
    pthread_mutex_unlock(&mutex);
    usleep((unsigned)fake_pkcs11.sleep_ms * 1000);
    pthread_mutex_lock(&mutex);
    if (session->handle != handle) REFUSE(CKR_SESSION_HANDLE_INVALID);
    session->busy = 0;
  }
  if (*out_size < size + TAG + IV) FAULT(CKR_BUFFER_TOO_SMALL);
  choose_iv(session);
  *out_size = gcm_seal(session, in, size, out);
  if (fake_pkcs11.iv_mode == 2) {
    memcpy(out + *out_size, session->iv, IV);
    *out_size += IV;
  }
  LEAVE_OPERATION(handle);
}

static CK_RV decrypt(CK_SESSION_HANDLE handle, unsigned char* in, CK_ULONG size,
                     unsigned char* out, CK_ULONG* out_size) {
  ENTER_SESSION("C_Decrypt", handle);
  if (session->operation != 2) FAULT(CKR_OPERATION_NOT_INITIALIZED);
  if (size < TAG) REFUSE(CKR_ENCRYPTED_DATA_LEN_RANGE);
  if (*out_size < size - TAG) FAULT(CKR_BUFFER_TOO_SMALL);
  if (!gcm_open(session, in, size, out)) REFUSE(CKR_ENCRYPTED_DATA_INVALID);
  *out_size = size - TAG;
  LEAVE_OPERATION(handle);
}

static CK_RV unsupported_pair(CK_SESSION_HANDLE session,
                              CK_MECHANISM* mechanism, CK_ATTRIBUTE* shown,
                              CK_ULONG shown_count, CK_ATTRIBUTE* hidden,
                              CK_ULONG hidden_count, CK_OBJECT_HANDLE* first,
                              CK_OBJECT_HANDLE* second) {
  (void)session;
  (void)mechanism;
  (void)shown;
  (void)shown_count;
  (void)hidden;
  (void)hidden_count;
  (void)first;
  (void)second;
  return CKR_FUNCTION_NOT_SUPPORTED;
}

static CK_FUNCTION_LIST functions = {
    .version = {2, 40},
    .C_Initialize = initialize,
    .C_Finalize = finalize,
    .C_GetSlotList = get_slot_list,
    .C_GetTokenInfo = get_token_info,
    .C_OpenSession = open_session,
    .C_CloseSession = close_session,
    .C_Login = login,
    .C_FindObjectsInit = find_init,
    .C_FindObjects = find,
    .C_FindObjectsFinal = find_final,
    .C_GetAttributeValue = get_attribute,
    .C_GenerateKey = generate,
    .C_GenerateKeyPair = unsupported_pair,
    .C_DestroyObject = destroy,
    .C_EncryptInit = encrypt_init,
    .C_Encrypt = encrypt,
    .C_DecryptInit = decrypt_init,
    .C_Decrypt = decrypt,
};

CK_RV C_GetFunctionList(CK_FUNCTION_LIST** out) {
  *out = &functions;
  return CKR_OK;
}
