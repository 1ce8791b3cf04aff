# SPDX-License-Identifier: Apache-2.0

# Third-party modules, built with apxs against the installed header.
#
#     my $build = OCI::Module->new;
#     my $output = $build->compile("$path/mod_x.c", 'gcc');   # "" if it is ok
#     ... $build->so('mod_x') ...
#
# If the test runs with sanitizers, the modules are built with them, too.

package OCI::Module;

use strict;
use warnings;

use File::Temp ();
use OCI::Server;

# Make a temporary directory, and run "make install" with a DESTDIR in it.
sub new {
    my $class = shift;
    my $self = bless { dir => File::Temp->newdir(TMPDIR => 1) }, $class;
    chmod 0755, "$self->{dir}";
    my $output = `cd $OCI::Server::TOP && env -u MAKEFLAGS -u MAKELEVEL make \\
        -f Makefile.apxs install DESTDIR=$self->{dir}/root 2>&1`;
    die "make install: $output\n" if $?;
    return $self;
}

# The directory of the installed header.
sub include { "$_[0]{dir}/root" . OCI::Server::apxs('INCLUDEDIR') }

sub so { "$_[0]{dir}/$_[1]/.libs/$_[1].so" }

# The newest clang, if there is one.
sub clang {
    my ($clang) = grep { -x } map { my $dir = $_; map { "$dir/$_" } 'clang',
        map { "clang-$_" } reverse 11 .. 30 } split /:/, $ENV{PATH};
    return $clang;
}

# Compile a source; returns the compiler's output.
sub compile {
    my ($self, $source, $compiler) = @_;
    my ($name) = $source =~ m{([^/]+)\.c$};
    my $headers = OCI::Server::apxs('INCLUDEDIR');
    my @sanitize = OCI::Server->sanitized && $compiler eq 'gcc'
        ? ('-Wc,-fsanitize=address,undefined',
           '-Wl,-fsanitize=address,undefined') : ();
    my $apxs = $ENV{APXS} || 'apxs';
    mkdir "$self->{dir}/$name";
    system "cp $source $self->{dir}/$name";
    my $output = `cd $self->{dir}/$name && LTFLAGS='--tag=CC --silent' $apxs \\
        -S CC=$compiler -c -I @{[ $self->include ]} \\
        -Wc,'-Wall -Wextra -Werror -isystem $headers' @sanitize $name.c 2>&1`;
    my $failed = $?;
    $output =~ s/^\S*libtool .*\n//gm;
    return $failed ? "failed: $output" : $output;
}

1;
