# SPDX-License-Identifier: Apache-2.0

# An S3 server with a bucket, for one test.
#
#     my $s3 = OCI::S3->start('versitygw') or plan(skip_all =>
#         OCI::S3->missing('versitygw'));
#     my $client = OCI::S3::Client->new($s3);
#     $s3->url, ->host, ->bucket, ->key, ->secret, ->region, ->pid, ->log
#     $s3->stop; $s3->again;       # stop it, and start it with the same objects
#
# The servers: versitygw and s3s-fs, which t/setup/clients.sh builds, and
# strict, the tests' own (OCI::S3::Strict), which keeps no objects when it
# stops.  A server ends with its object.  Options of start:
#
#     bucket   the bucket ("registry")
#     region   the region ("us-east-1"); s3s-fs accepts any
#     key, secret   the access key
#     minimum  strict: the least size of a part that is not the last one
#     tls      versitygw: OCI::Certificates
#
# With strict, a test can also ask for faults, and for what happened:
#
#     $s3->faults({ fault => 'slowdown', method => 'PUT', count => 3 });
#     $s3->log                     # the requests, see OCI::S3::Strict::note
#     $s3->forget                  # empties the log
#     $s3->objects, $s3->uploads   # what it has
#     $s3->clock(-1000)            # seconds by which its clock is wrong
#     $s3->credentials(instance => 'role', lifetime => 60)
#     $s3->revoke                  # all temporary keys expire
#
# OCI::S3::Faults lists the faults, and OCI::S3::Metadata the credentials.

package OCI::S3;

use strict;
use warnings;

use File::Temp ();
use IO::Socket::INET;
use JSON::PP ();
use OCI::Client;
use OCI::Process;
use OCI::S3::Client;
use OCI::Server;

my $JSON = JSON::PP->new->utf8->allow_nonref;
my $home = $ENV{HOME};    # the original one, in which the programs are

my %SERVER = (
    versitygw => \&versitygw,
    's3s-fs'  => \&s3s_fs,
    strict    => \&strict_server,
);

# The program of a server that is built, or undef.
sub program {
    my $name = shift;
    local $ENV{HOME} = $home;
    chomp(my $path = `$OCI::Server::TOP/t/setup/clients.sh --path $name`);
    return -x $path ? $path : undef;
}

# Why a server cannot be started, or undef.
sub missing {
    my ($class, $name) = @_;
    return undef if $name eq 'strict' || program($name);
    return "$name is not built: run t/setup/clients.sh $name";
}

# undef if the server is missing.
sub start {
    my ($class, $name, %option) = @_;
    $SERVER{$name} or die "there is no S3 server '$name'\n";
    return undef if $class->missing($name);
    my $dir = File::Temp->newdir('mod_oci-XXXXXX', TMPDIR => 1);
    my $self = bless { bucket => 'registry', region => 'us-east-1',
        key => 'AKIATESTTESTTESTTEST', secret => 'a secret/of+the=tests',
        %option, name => $name, dir => $dir }, $class;
    mkdir "$dir/$_" or die "$dir/$_: $!\n"
        for 'users', 'data', $name eq 'strict' ? () : "data/$self->{bucket}";
    for (1 .. 5) {
        $self->{port} = OCI::Server::free_port();
        return $self if $self->launch;
        last if $self->output !~ /address already in use/i;
        unlink "$dir/output";
    }
    die "$name did not start:\n" . $self->output;
}

sub launch {
    my $self = shift;
    my ($command, %env) = $SERVER{ $self->{name} }->($self);
    $self->{process} = OCI::Process->start(command => $command,
        output => "$self->{dir}/output", env => \%env);
    return $self->{process}->wait_for(sub {
        IO::Socket::INET->new(PeerAddr => $self->host)
    }) && $self->{process}->alive;
}

sub again {
    my $self = shift;
    $self->launch or die "$self->{name} did not start:\n" . $self->output;
    return;
}

# ---- the servers: a command, and variables of its environment

sub versitygw {
    my $self = shift;
    my $dir = $self->{dir};
    my @tls = $self->{tls} ? ('--cert', $self->{tls}->dir . '/server.pem',
        '--key', $self->{tls}->dir . '/server.key') : ();
    return ([ program('versitygw'), '--port', $self->host, '--region',
            $self->{region}, '--iam-dir', "$dir/users", '--keep-alive', @tls,
            'posix', "$dir/data" ],
        ROOT_ACCESS_KEY => $self->{key}, ROOT_SECRET_KEY => $self->{secret});
}

sub s3s_fs {
    my $self = shift;
    return ([ program('s3s-fs'), '--host', '127.0.0.1', '--port', $self->{port},
        '--access-key', $self->{key}, '--secret-key', $self->{secret},
        "$self->{dir}/data" ]);
}

sub strict_server {
    my $self = shift;
    return ([ $^X, "-I$OCI::Server::TOP/t/lib", '-MOCI::S3::Strict', '-e',
        'OCI::S3::Strict::serve(@ARGV)', dir => "$self->{dir}/data",
        map { $_ => $self->{$_} } grep { defined $self->{$_} }
            qw(port bucket region key secret minimum) ]);
}

# ---- what it is

sub name   { $_[0]{name} }
sub port   { $_[0]{port} }
sub host   { "127.0.0.1:$_[0]{port}" }
sub url    { ($_[0]{tls} ? 'https' : 'http') . "://127.0.0.1:$_[0]{port}" }
sub bucket { $_[0]{bucket} }
sub key    { $_[0]{key} }
sub secret { $_[0]{secret} }
sub region { $_[0]{region} }
sub dir    { "$_[0]{dir}" }
sub pid    { $_[0]{process}->pid }
sub output { OCI::Server::slurp("$_[0]{dir}/output") }

sub stop  { $_[0]{process}->stop; return }
sub kill9 { $_[0]{process}->kill9; return }

sub DESTROY {
    my $self = shift;
    local ($?, $!, $@);
    my $process = $self->{process} or return;
    $process->kill9 if $process->{owner} == $$ && $process->alive;
    return;
}

# ---- the control of the strict server

# Send a value to a control, or none; returns the value of the answer.
sub control {
    my ($self, $method, $name, $value) = @_;
    my $res = OCI::Client->new($self)->request($method, "/.control/$name", {},
        $method eq 'PUT' ? $JSON->encode($value) : undef);
    $res->status == 200 or die "$method $name: " . $res->text . "\n";
    return $JSON->decode($res->body);
}

sub faults      { my $self = shift; $self->control(PUT => 'faults', \@_) }
sub faults_left { $_[0]->control(GET => 'faults') }
sub log         { @{ $_[0]->control(GET => 'log') } }
sub forget      { $_[0]->control(DELETE => 'log') }
sub objects     { @{ $_[0]->control(GET => 'objects')->{objects} } }
sub uploads     { @{ $_[0]->control(GET => 'objects')->{uploads} } }
sub clock       { $_[0]->control(PUT => 'clock', { offset => $_[1] }) }
sub revoke      { $_[0]->control(DELETE => 'credentials') }

sub credentials {
    my ($self, %set) = @_;
    return $self->control(PUT => 'credentials', \%set);
}

1;
