#pragma once

/* How the tests steer the fake module, through its symbol fake_pkcs11. */

#ifdef __cplusplus
extern "C" {
#endif

struct fake_pkcs11_control {
  /* The next `fail_times` calls of `fail_function` answer `fail_answer`. */
  const char* fail_function;
  unsigned long fail_answer;
  int fail_times;
  /* Forgets every session and the login now. */
  int lose_sessions;
  /* So many calls find the device gone; sessions and login go with it. */
  int removed_calls;
  /* There is no token; one that comes is seen from the next C_Initialize on. */
  int absent;
  /* 0: takes the caller's IV. 1: writes its own into the buffer. 2: appends
   * its own. 3: promises its own and gives none. 4: always the same. */
  int iv_mode;
  int tag_bytes;        /* Of what it gives; 16 is right. */
  int accept_forgeries; /* Opens what was altered. */
  int sleep_ms;         /* In every C_Encrypt. */
  /* What the tests read. */
  int logins;
  int sessions_open;
  int sessions_open_max;
  int faults; /* Breaches of the standard by the caller. */
};

#ifdef __cplusplus
}
#endif
