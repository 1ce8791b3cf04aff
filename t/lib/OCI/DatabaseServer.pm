# SPDX-License-Identifier: Apache-2.0

# A private database server on the loopback address: PostgreSQL or MariaDB, with
# normal durability and little memory.
#
#     my $server = OCI::DatabaseServer->start('pgsql') or ... skip ...;
#     $server->stop; $server->kill9; $server->again;
#     $server->freeze; $server->thaw;
#     $server->sql('postgres', 'SELECT 1');       # the output of a statement
#
# Options of start:
#
#     dir      an empty directory for its data (default: a temporary one)
#     set      a hash of settings: max_connections => 20

package OCI::DatabaseServer;

use strict;
use warnings;

use File::Temp ();
use OCI::Process;
use OCI::Server;
use POSIX ();
use Time::HiRes qw(sleep time);

# A loaded machine may need this many seconds to start a server.
use constant { USER => 'oci', PASSWORD => 'secret', PATIENCE => 180 };

# For each kind: the account that runs it, the database that always exists, the
# signal that stops it without waiting for clients, and the functions that
# initialize it, run it and send statements to it.
my %KIND = (
    pgsql => { account => 'postgres', first => 'postgres', ending => 'INT',
               make => \&make_pgsql, command => \&pgsql, ask => \&ask_pgsql,
               set => { max_connections => 800, shared_buffers => '32MB',
                        max_wal_size => '128MB' } },
    mysql => { account => 'mysql', first => 'mysql', ending => 'TERM',
               make => \&make_mysql, command => \&mysql, ask => \&ask_mysql,
               set => { max_connections => 800, performance_schema => 'OFF',
                        innodb_buffer_pool_size => '32M',
                        innodb_log_file_size => '16M' } },
);

# undef if the programs are not installed.
sub start {
    my ($class, $kind, %option) = @_;
    program($_) || return
        for $kind eq 'pgsql' ? qw(initdb postgres psql)
        : qw(mariadb-install-db mariadbd mariadb);
    my $self = bless { kind => $kind, %{ $KIND{$kind} }, %option }, $class;
    $self->{set} = { %{ $KIND{$kind}{set} }, %{ $option{set} // {} } };
    ($self->{account}) = grep { defined getpwnam $_ } $self->{account}, 'nobody';
    if (!$self->{dir}) {
        $self->{temporary} = File::Temp->newdir('mod_oci-XXXXXX', TMPDIR => 1);
        $self->{dir} = "$self->{temporary}";
    }
    chmod 0755, $self->{dir};
    chown((getpwnam $self->{account})[ 2, 3 ], $self->{dir}) if !$>;
    $self->{make}->($self);
    for (1 .. 5) {
        $self->{port} = OCI::Server::free_port();
        return $self if $self->launch;
        last if $self->log !~ /Address already in use/i;
    }
    die "$kind did not start:\n" . $self->log;
}

# A server that another process has started.  It can only be queried.
sub attach {
    my ($class, $kind, %known) = @_;
    return bless { kind => $kind, %{ $KIND{$kind} }, %known }, $class;
}

# A program of a server, which need not be on PATH.
sub program {
    my $name = shift;
    my @directories = (sort { ($b =~ /(\d+)/)[0] <=> ($a =~ /(\d+)/)[0] }
        glob '/usr/lib/postgresql/*/bin');
    my ($path) = grep { -x } map { "$_/$name" } @directories, qw(/usr/sbin
        /usr/libexec), split /:/, $ENV{PATH};
    return $path;
}

# Run a program under the server's account until it exits.
sub prepare {
    my ($self, @command) = @_;
    my $process = OCI::Process->start(command => \@command,
        user => $self->{account}, output => "$self->{dir}/log");
    $process->wait_for(sub { 0 }, PATIENCE);
    $process->stop;
    return !$process->{status};
}

# ---- PostgreSQL

# If possible, with a collation whose order is not bytewise.
sub make_pgsql {
    my $self = shift;
    my @initdb = (program('initdb'), '-D', "$self->{dir}/data", '-U', USER,
        '-A', 'trust', '-N', '-E', 'UTF8', '--locale=C');
    $self->prepare(@initdb, '--locale-provider=icu', '--icu-locale=en-US')
        || $self->prepare(@initdb)
        or die "initdb failed:\n" . $self->log;
    return;
}

sub pgsql {
    my $self = shift;
    return (program('postgres'), '-D', "$self->{dir}/data", '-p',
        $self->{port}, '-h', '127.0.0.1', '-k', $self->{dir},
        map { ('-c', "$_=$self->{set}{$_}") } sort keys %{ $self->{set} });
}

sub ask_pgsql {
    my ($self, $database) = @_;
    return (program('psql'), qw(-XqAt -v ON_ERROR_STOP=1 -h 127.0.0.1 -p),
        $self->{port}, '-U', USER, '-d', $database, '-f', '-');
}

# ---- MariaDB

# Where it keeps its files.  A server deletes all temporary tables in its tmpdir
# when it starts, also those of other servers.
sub directories_mysql {
    my $self = shift;
    return ("--datadir=$self->{dir}/data", "--tmpdir=$self->{dir}");
}

sub make_mysql {
    my $self = shift;
    $self->prepare(program('mariadb-install-db'), '--no-defaults',
        directories_mysql($self), '--skip-test-db',
        '--auth-root-authentication-method=normal')
        or die "mariadb-install-db failed:\n" . $self->log;
    open my $file, '>', "$self->{dir}/first.sql" or die "first.sql: $!\n";
    printf $file "CREATE USER IF NOT EXISTS '%s'\@'127.0.0.1' IDENTIFIED BY "
        . "'%s';\nGRANT ALL ON *.* TO '%1\$s'\@'127.0.0.1' WITH GRANT OPTION;\n",
        USER, PASSWORD;
    close $file or die "first.sql: $!\n";
    return;
}

# Its collation ignores case, and so do comparisons that use the default.
sub mysql {
    my $self = shift;
    return (program('mariadbd'), '--no-defaults', '--skip-log-bin',
        '--skip-name-resolve', directories_mysql($self),
        "--socket=$self->{dir}/socket", "--pid-file=$self->{dir}/pid",
        '--bind-address=127.0.0.1', "--port=$self->{port}",
        "--init-file=$self->{dir}/first.sql", '--character-set-server=utf8mb4',
        '--collation-server=utf8mb4_general_ci',
        map { "--$_=$self->{set}{$_}" } sort keys %{ $self->{set} });
}

sub ask_mysql {
    my ($self, $database) = @_;
    return (program('mariadb'), '--no-defaults', '-NB', '-h127.0.0.1',
        "-P$self->{port}", '-u' . USER, '-p' . PASSWORD, $database);
}

# ---- both

# Start it on its port and data, and wait until it answers.
sub launch {
    my $self = shift;
    $self->{process} = OCI::Process->start(
        command => [ $self->{command}->($self) ],
        user    => $self->{account},
        output  => "$self->{dir}/log",
        ending  => $self->{ending}
    );
    return $self->{process}->wait_for(
        sub { defined eval { $self->sql($self->{first}, 'SELECT 1') } },
        PATIENCE);
}

# Run statements in a database; returns their output.
sub sql {
    my ($self, $database, $text) = @_;
    my $input = File::Temp->new;
    my $errors = File::Temp->new;
    print $input $text;
    $input->flush;
    my $pid = open my $pipe, '-|' // die "fork: $!\n";
    if (!$pid) {
        open STDIN, '<', "$input";
        open STDERR, '>', "$errors";
        exec $self->{ask}->($self, $database) or POSIX::_exit(127);
    }
    local $/;
    my $output = <$pipe> // '';
    close $pipe or die "$text: " . OCI::Server::slurp("$errors");
    return $output;
}

# The parameters of a database for APR's drivers.
sub params {
    my ($self, $database) = @_;
    my @words = ('host=127.0.0.1', "port=$self->{port}", "dbname=$database",
        'user=' . USER);
    return $self->{kind} eq 'pgsql' ? join ' ', @words
        : join ',', @words, 'pass=' . PASSWORD;
}

sub kind { $_[0]{kind} }
sub port { $_[0]{port} }
sub dir  { $_[0]{dir} }
sub pid  { $_[0]{process}->pid }
sub log  { OCI::Server::slurp("$_[0]{dir}/log") }

sub stop { $_[0]{process}->stop }

# The processes of the server.
sub processes {
    my $self = shift;
    my $pid = $self->pid;
    return ($pid, split ' ', `ps -o pid= --ppid $pid`);
}

# Stop its processes, while the kernel still acknowledges packets; the first
# one first, which makes the others.
sub freeze {
    my $self = shift;
    OCI::Process::freeze_pid($self->pid);
    my (undef, @children) = $self->processes;
    OCI::Process::freeze_pid($_) for @children;
    return;
}

sub thaw {
    my $self = shift;
    kill 'CONT', $self->processes;
    return;
}

# Kill it as a crash of the machine would, with its children, which have their
# own process groups.
sub kill9 {
    my $self = shift;
    kill 'STOP', $self->pid;
    my (undef, @children) = $self->processes;
    $self->{process}->kill9(@children);
    return;
}

sub again {
    my $self = shift;
    $self->launch or die "$self->{kind} did not start again:\n" . $self->log;
    return;
}

1;
