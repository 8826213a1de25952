/* Preloaded into a test process: file system calls below one folder can be made to fail, counted and recorded.

   The calls of Python, of libav and of safetensors pass through here alike. `failing_calls.py` compiles and controls it.
*/
#define _GNU_SOURCE
#include <dlfcn.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* As KINDS in failing_calls.py. */
enum kind { OPEN, READ, WRITE, CLOSE, FSYNC, RENAME, LINK, UNLINK, RMDIR, MKDIR, TRUNCATE, FLOCK, STAT, LIST, KINDS };
/* As in failing_calls.py. */
enum mode { ONCE, SHORT, FROM_NOW_ON, READ_ONLY };

#define DESCRIPTORS 65536
#define REAL(result, name, ...) \
    static result (*real)(__VA_ARGS__); \
    if (!real) real = (result (*)(__VA_ARGS__))dlsym(RTLD_NEXT, name)

static pthread_mutex_t lock = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
static char folder[4096];
static size_t folder_length; /* 0: nothing is watched */
static char *paths[DESCRIPTORS]; /* of open descriptors below the folder */
static long calls[KINDS];
static int armed_kind = -1, armed_error, armed_mode, is_broken;
static long armed_number, hits, room = -1; /* room: bytes that can still be written; -1: no limit */
static int record_to = -1;

void faults_watch(const char *path) { snprintf(folder, sizeof folder, "%s", path); folder_length = strlen(folder); }
long faults_calls(int kind) { return calls[kind]; }
long faults_hits(void) { return hits; }

void faults_reset(void) {
    memset(calls, 0, sizeof calls);
    armed_kind = -1; is_broken = 0; hits = 0; room = -1;
}

void faults_arm(int kind, long number, int error, int mode) {
    faults_reset();
    armed_kind = kind; armed_number = number; armed_error = error; armed_mode = mode;
}

void faults_leave_room(long bytes, int error) { faults_reset(); room = bytes; armed_error = error; }
void faults_record(int descriptor) { record_to = descriptor; }

static int is_below(const char *path) {
    return folder_length && path && !strncmp(path, folder, folder_length) &&
           (path[folder_length] == '/' || !path[folder_length]);
}

static const char *path_of(int descriptor) {
    return descriptor >= 0 && descriptor < DESCRIPTORS ? paths[descriptor] : NULL;
}

/* Counts a call. True if it fails, with errno set. */
static int fails(enum kind kind, int changes) {
    pthread_mutex_lock(&lock);
    long number = calls[kind]++;
    int is_hit = is_broken && (changes || armed_mode == FROM_NOW_ON);
    if (kind == (enum kind)armed_kind && number == armed_number && armed_mode != SHORT) {
        is_broken = armed_mode == FROM_NOW_ON || armed_mode == READ_ONLY;
        is_hit = 1;
    }
    hits += is_hit;
    pthread_mutex_unlock(&lock);
    if (is_hit) errno = armed_error;
    return is_hit;
}

/* How many of these bytes are written; -1 for none, with errno set. */
static ssize_t allowed(size_t size) {
    ssize_t most = (ssize_t)size;
    pthread_mutex_lock(&lock);
    if (armed_kind == WRITE && armed_mode == SHORT && calls[WRITE] - 1 == armed_number && size > 1) {
        most = (ssize_t)size / 2;
        hits++;
    }
    if (room >= 0) {
        if (most > room) { most = room ? room : -1; hits++; }
        room -= most > 0 ? most : 0;
    }
    pthread_mutex_unlock(&lock);
    if (most < 0) errno = armed_error;
    return most;
}

/* One entry of the record: a line of text, then the written bytes. */
static void record(const char *what, const char *path, const char *target, long offset, const void *bytes, long size) {
    if (record_to < 0) return;
    static ssize_t (*real)(int, const void *, size_t);
    if (!real) real = (ssize_t (*)(int, const void *, size_t))dlsym(RTLD_NEXT, "write");
    char line[9000];
    int kept = errno;
    int length = snprintf(line, sizeof line, "%s\t%s\t%s\t%ld\t%ld\n", what, path, target, offset, size);
    if (real(record_to, line, length) < 0 || (size && real(record_to, bytes, size) < 0)) abort();
    errno = kept;
}

static int opened(const char *path, int flags, mode_t mode, int (*open_it)(const char *, int, ...)) {
    if (!is_below(path)) return open_it(path, flags, mode);
    if (fails(OPEN, (flags & O_ACCMODE) != O_RDONLY)) return -1;
    pthread_mutex_lock(&lock);
    int is_new = (flags & O_CREAT) && access(path, F_OK) != 0;
    int descriptor = open_it(path, flags, mode);
    if (descriptor >= 0 && descriptor < DESCRIPTORS) {
        free(paths[descriptor]);
        paths[descriptor] = strdup(path);
        if (is_new) record("create", path, "", 0, NULL, 0);
        else if (flags & O_TRUNC) record("truncate", path, "", 0, NULL, 0);
    }
    pthread_mutex_unlock(&lock);
    return descriptor;
}

#define OPENING(name) \
    int name(const char *path, int flags, ...) { \
        static int (*real)(const char *, int, ...); \
        if (!real) real = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, #name); \
        va_list rest; va_start(rest, flags); mode_t mode = flags & O_CREAT ? va_arg(rest, mode_t) : 0; va_end(rest); \
        return opened(path, flags, mode, real); \
    }
OPENING(open)
OPENING(open64)

int close(int descriptor) {
    REAL(int, "close", int);
    if (!path_of(descriptor)) return real(descriptor);
    int failed = fails(CLOSE, 0), error = errno;
    pthread_mutex_lock(&lock);
    free(paths[descriptor]);
    paths[descriptor] = NULL;
    int result = real(descriptor);
    pthread_mutex_unlock(&lock);
    if (failed) errno = error;
    return failed ? -1 : result;
}

ssize_t read(int descriptor, void *bytes, size_t size) {
    REAL(ssize_t, "read", int, void *, size_t);
    if (path_of(descriptor) && fails(READ, 0)) return -1;
    return real(descriptor, bytes, size);
}

ssize_t write(int descriptor, const void *bytes, size_t size) {
    REAL(ssize_t, "write", int, const void *, size_t);
    const char *path = path_of(descriptor);
    if (!path) return real(descriptor, bytes, size);
    if (fails(WRITE, 1)) return -1;
    ssize_t most = allowed(size);
    if (most < 0) return -1;
    pthread_mutex_lock(&lock);
    int appends = fcntl(descriptor, F_GETFL) & O_APPEND;
    long offset = lseek(descriptor, 0, appends ? SEEK_END : SEEK_CUR);
    ssize_t written = real(descriptor, bytes, most);
    if (written > 0) record("write", path, "", offset, bytes, written);
    pthread_mutex_unlock(&lock);
    return written;
}

int fsync(int descriptor) {
    REAL(int, "fsync", int);
    const char *path = path_of(descriptor);
    if (!path) return real(descriptor);
    if (fails(FSYNC, 1)) return -1;
    int result = real(descriptor);
    if (!result) record("fsync", path, "", 0, NULL, 0);
    return result;
}

#define RESIZING(name, type, find_path, argument) \
    int name(argument given, type size) { \
        REAL(int, #name, argument, type); \
        const char *path = find_path(given); \
        if (!path) return real(given, size); \
        if (fails(TRUNCATE, 1)) return -1; \
        pthread_mutex_lock(&lock); \
        int result = real(given, size); \
        if (!result) record("truncate", path, "", (long)size, NULL, 0); \
        pthread_mutex_unlock(&lock); \
        return result; \
    }
static const char *if_below(const char *path) { return is_below(path) ? path : NULL; }
RESIZING(ftruncate, off_t, path_of, int)
RESIZING(ftruncate64, off64_t, path_of, int)
RESIZING(truncate, off_t, if_below, const char *)
RESIZING(truncate64, off64_t, if_below, const char *)

#define TWO_NAMES(name, kind) \
    int name(const char *path, const char *target) { \
        REAL(int, #name, const char *, const char *); \
        if (!is_below(path) && !is_below(target)) return real(path, target); \
        if (fails(kind, 1)) return -1; \
        pthread_mutex_lock(&lock); \
        int result = real(path, target); \
        if (!result) record(#name, path, target, 0, NULL, 0); \
        pthread_mutex_unlock(&lock); \
        return result; \
    }
TWO_NAMES(rename, RENAME)
TWO_NAMES(link, LINK)

#define ONE_NAME(name, kind) \
    int name(const char *path) { \
        REAL(int, #name, const char *); \
        if (!is_below(path)) return real(path); \
        if (fails(kind, 1)) return -1; \
        pthread_mutex_lock(&lock); \
        int result = real(path); \
        if (!result) record(#name, path, "", 0, NULL, 0); \
        pthread_mutex_unlock(&lock); \
        return result; \
    }
ONE_NAME(unlink, UNLINK)
ONE_NAME(rmdir, RMDIR)

int mkdir(const char *path, mode_t mode) {
    REAL(int, "mkdir", const char *, mode_t);
    if (!is_below(path)) return real(path, mode);
    if (fails(MKDIR, 1)) return -1;
    int result = real(path, mode);
    if (!result) record("mkdir", path, "", 0, NULL, 0);
    return result;
}

int flock(int descriptor, int operation) {
    REAL(int, "flock", int, int);
    if (path_of(descriptor) && fails(FLOCK, 0)) return -1;
    return real(descriptor, operation);
}

int stat64(const char *path, struct stat64 *found) {
    REAL(int, "stat64", const char *, struct stat64 *);
    return is_below(path) && fails(STAT, 0) ? -1 : real(path, found);
}

int lstat64(const char *path, struct stat64 *found) {
    REAL(int, "lstat64", const char *, struct stat64 *);
    return is_below(path) && fails(STAT, 0) ? -1 : real(path, found);
}

DIR *opendir(const char *path) {
    REAL(DIR *, "opendir", const char *);
    return is_below(path) && fails(LIST, 0) ? NULL : real(path);
}
