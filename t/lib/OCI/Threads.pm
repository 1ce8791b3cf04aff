# SPDX-License-Identifier: Apache-2.0

# What ThreadSanitizer has to be told about httpd and APR, which are not
# compiled with it:
#
#     OCI::Server->start(sanitize => 'thread',
#         env => OCI::Threads::environment($directory));
#
# It sees all locks, the memory that the module's own code uses, and what others
# pass to functions of the C library.  A library for LD_PRELOAD adds:
#
#   - APR's atomic operations put what comes before and after them in order.
#     Without this, memory that httpd hands from one thread to another by them
#     would be reported.
#   - Pools, connections to databases and DBM files must not be used by two
#     threads at once.  Each call that uses one counts as a write to it.

package OCI::Threads;

use strict;
use warnings;

use OCI::Library;

# Functions, and the position of the argument that matters.
my %ATOMIC = map { ("apr_atomic_$_" => 0) } qw(read32 set32 add32 sub32 inc32
    dec32 cas32 xchg32 casptr xchgptr);
my %USE = (
    (map { ("apr_$_" => 0) } qw(palloc pvsprintf pool_clear pool_destroy
        pool_cleanup_register pool_cleanup_kill dbm_close dbm_delete dbm_exists
        dbm_fetch dbm_store)),
    (map { ("apr_dbd_$_" => 1) } qw(query close error)),
    (map { ("apr_dbd_$_" => 2) } qw(pquery prepare pselect select)),
);

# A function in the place of one of APR's.  It passes on as many arguments as
# any of them has; each is as wide as a register.
sub function {
    my ($name, $before, $after) = @_;
    my @names = map { "a$_" } 0 .. 8;
    my $declared = join ', ', map { "long $_" } @names;
    my $passed = join ', ', @names;
    return <<"END";
long $name($declared)
{
    static long (*real)();
    long result;

    if (!real) {
        real = (long (*)())dlsym(RTLD_NEXT, "$name");
    }
    $before
    result = real($passed);
    $after
    return result;
}
END
}

sub code {
    return join '', <<'END',
#define _GNU_SOURCE
#include <dlfcn.h>
extern void __tsan_acquire(void *), __tsan_release(void *);
extern void __tsan_write8_pc(void *, void *);
END
        (map { function($_, "__tsan_release((void *)a$ATOMIC{$_});",
            "__tsan_acquire((void *)a$ATOMIC{$_});") } sort keys %ATOMIC),
        map { function($_, "__tsan_write8_pc((void *)a$USE{$_}, "
            . '__builtin_return_address(0));', '') } sort keys %USE;
}

# The variables for httpd; the library is made in a directory.
sub environment {
    my $dir = shift;
    OCI::Library::build("$dir/apr.so", code())
        or die OCI::Server::slurp("$dir/apr.so.gcc");
    chomp(my $tsan = `gcc -print-file-name=libtsan.so`);
    return { LD_PRELOAD => "$tsan $dir/apr.so" };
}

1;
