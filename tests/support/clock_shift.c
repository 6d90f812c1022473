/* Preloaded into a process: its wall clock shows the seconds of the file CLOCK_SHIFT_FILE (one int64) more than the
   machine's. Read anew with each question, so that the clock jumps while the process runs. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t* shift_in_seconds(void) {
    static const volatile int64_t* mapped;
    if (mapped == NULL) {
        const int file = open(getenv("CLOCK_SHIFT_FILE"), O_RDONLY | O_CLOEXEC);
        mapped = mmap(NULL, sizeof *mapped, PROT_READ, MAP_SHARED, file, 0);
        close(file);
    }
    return mapped;
}

int clock_gettime(clockid_t clock, struct timespec* time) {
    static int (*real)(clockid_t, struct timespec*);
    if (real == NULL) real = (int (*)(clockid_t, struct timespec*))dlsym(RTLD_NEXT, "clock_gettime");
    const int status = real(clock, time);
    if (status == 0 && clock == CLOCK_REALTIME) time->tv_sec += *shift_in_seconds();
    return status;
}
