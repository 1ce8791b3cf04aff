# SPDX-License-Identifier: Apache-2.0

# distribution's registry, with the same methods as an OCI::Server.
#
#     my $peer = OCI::Peer->start($program, tls => OCI::Certificates->new);
#
# Without tls it speaks plain HTTP.  The option storage has the lines of its
# configuration that say where blobs are, instead of a directory.

package OCI::Peer;

use strict;
use warnings;

use File::Temp ();
use IO::Socket::INET;
use OCI::Process;
use OCI::Server;

sub start {
    my ($class, $program, %option) = @_;
    my $tls = $option{tls} ? 'tls: {certificate: ' . $option{tls}->dir
        . '/server.pem, key: ' . $option{tls}->dir . '/server.key}' : '';
    my $dir = File::Temp->newdir('mod_oci-XXXXXX', TMPDIR => 1);
    my $self = bless { dir => $dir, port => OCI::Server::free_port() }, $class;
    my $storage = $option{storage} // "filesystem: {rootdirectory: $dir/store}";
    open my $file, '>', "$dir/config.yml" or die "config.yml: $!\n";
    print $file <<"END";
version: 0.1
log: {level: error, accesslog: {disabled: true}}
storage:
  $storage
  delete: {enabled: true}
http:
  addr: "127.0.0.1:$self->{port}"
  $tls
END
    close $file;
    $self->{process} = OCI::Process->start(
        command => [ $program, 'serve', "$dir/config.yml" ],
        output  => "$dir/log",
        env     => { OTEL_TRACES_EXPORTER => 'none' }
    );
    $self->{process}->wait_for(
        sub { IO::Socket::INET->new(PeerAddr => $self->host) })
        or die "the peer did not start:\n" . OCI::Server::slurp("$dir/log");
    return $self;
}

sub port  { $_[0]{port} }
sub host  { "127.0.0.1:$_[0]{port}" }
sub url   { "http://127.0.0.1:$_[0]{port}" }
sub dir   { "$_[0]{dir}" }
sub store { "$_[0]{dir}/store" }
sub pid   { $_[0]{process}->pid }

sub stop {
    my $self = shift;
    $self->{process}->stop;
    return;
}

1;
