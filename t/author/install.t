# SPDX-License-Identifier: Apache-2.0

# "uninstall" removes what "install" brings, and nothing else.

use OCI::Test;
use OCI::Source;
use File::Find ();
use File::Temp ();

my $dir = File::Temp->newdir(TMPDIR => 1);

sub make {
    my $target = shift;
    my $output = `cd $OCI::Server::TOP && env -u MAKEFLAGS -u MAKELEVEL make \\
        -f Makefile.apxs $target DESTDIR=$dir 2>&1`;
    return ok(!$?, "make $target") || diag($output);
}

sub installed {
    my @found;
    File::Find::find({ no_chdir => 1, wanted => sub {
        push @found, s{^\Q$dir\E}{}r if !-d } }, "$dir");
    return [ sort @found ];
}

my ($modules, $include, $programs, $manual) = map { OCI::Server::apxs($_) }
    qw(LIBEXECDIR INCLUDEDIR SBINDIR MANDIR);
my $s3 = system('pkg-config --exists libcurl') ? '' : "$modules/mod_oci_s3.so";
my @ours = sort grep { $_ } $s3, "$modules/mod_oci.so", "$include/mod_oci.h",
    "$programs/ociadmin", "$programs/oci-webhook", "$manual/man8/ociadmin.8";
make('install');
is_deeply(installed(), \@ours, 'install brings these files');
like(`$^X '$dir$programs/oci-webhook' --help`, qr/^usage: oci-webhook /,
    'oci-webhook --help');
my $other = "$modules/mod_other.so";
open my $file, '>', "$dir$other" or die "$dir$other: $!\n";
close $file;
make('uninstall');
is_deeply(installed(), [$other], 'uninstall removes these alone');
make('uninstall');

like(text('conf/oci.load'), qr{^LoadModule oci_module /\S+/mod_oci\.so$}m,
    'conf/oci.load loads the module by its path');

like(text('conf/oci_s3.load'), qr{^LoadModule oci_s3_module /\S+/mod_oci_s3\.so$}m,
    'so does conf/oci_s3.load');

done_testing;
