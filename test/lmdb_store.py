"""Reads and alters the entries of a stopped server's store, behind its back."""

import ctypes

_LIB = ctypes.CDLL("liblmdb.so.0")
_FIRST, _NEXT = 0, 8


class _Val(ctypes.Structure):
    _fields_ = [("size", ctypes.c_size_t), ("data", ctypes.c_void_p)]


def _val(data):
    buffer = ctypes.create_string_buffer(data, len(data))
    return _Val(len(data), ctypes.cast(buffer, ctypes.c_void_p)), buffer


def _bytes(val):
    return ctypes.string_at(val.data, val.size)


def _must(status):
    assert status == 0, f"lmdb: status {status}"


class Entries:
    """The entries of the store in `directory`, all in one transaction that is
    committed at the end: `with Entries(path) as entries: …`."""

    def __init__(self, directory):
        self.env, self.txn = ctypes.c_void_p(), ctypes.c_void_p()
        self.dbi = ctypes.c_uint()
        _must(_LIB.mdb_env_create(ctypes.byref(self.env)))
        _must(_LIB.mdb_env_set_maxdbs(self.env, 2))
        _must(_LIB.mdb_env_open(self.env, str(directory).encode(), 0, 0o600))

    def __enter__(self):
        _must(_LIB.mdb_txn_begin(self.env, None, 0, ctypes.byref(self.txn)))
        _must(_LIB.mdb_dbi_open(self.txn, b"entries", 0,
                                ctypes.byref(self.dbi)))
        return self

    def __exit__(self, kind, *_):
        if kind is None:
            _must(_LIB.mdb_txn_commit(self.txn))
        else:
            _LIB.mdb_txn_abort(self.txn)
        _LIB.mdb_env_close(self.env)

    def paths(self):
        cursor, key, value = ctypes.c_void_p(), _Val(), _Val()
        _must(_LIB.mdb_cursor_open(self.txn, self.dbi, ctypes.byref(cursor)))
        found, step = [], _FIRST
        while _LIB.mdb_cursor_get(cursor, ctypes.byref(key),
                                  ctypes.byref(value), step) == 0:
            found.append(_bytes(key).decode())
            step = _NEXT
        _LIB.mdb_cursor_close(cursor)
        return found

    def get(self, path):
        (key, _kept), value = _val(path.encode()), _Val()
        _must(_LIB.mdb_get(self.txn, self.dbi, ctypes.byref(key),
                           ctypes.byref(value)))
        return _bytes(value)

    def put(self, path, data):
        (key, _kept), (value, _too) = _val(path.encode()), _val(data)
        _must(_LIB.mdb_put(self.txn, self.dbi, ctypes.byref(key),
                           ctypes.byref(value), 0))

    def remove(self, path):
        key, _kept = _val(path.encode())
        _must(_LIB.mdb_del(self.txn, self.dbi, ctypes.byref(key), None))
