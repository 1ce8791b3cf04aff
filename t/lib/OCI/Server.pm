# SPDX-License-Identifier: Apache-2.0

# A private httpd with the module.
#
#     my $server = OCI::Server->start(config => "OCIReadOnly On");
#     ... $server->port, ->host, ->url, ->store, ->dir ...
#     $server->expects(qr/truncated/);      # a line that must be in the log
#     $server->stop;                        # one test: no faults
#
# Options of start:
#
#     config   the content of <Location "/v2/"> in addition to the handler and,
#              unless it has its own, the store and "Require all granted"
#     location the whole content of <Location "/v2/">
#     extra    configuration of the server, before the Location
#     after    configuration of the server, after the Location
#     mpm      event (default), worker or prefork
#     modules  names of additional modules, such as "http2"
#     ports    the number of ports to listen on (default 1)
#     level    the LogLevel (default info)
#     env      additional environment variables
#     sanitize whether to load the sanitized module, or "thread" for that of the
#              target "threads"; the default is OCI_SANITIZE in the environment,
#              or 1 for a test file below .build/san, .build/index or
#              .build/blobs
#     dir      the server's directory (default: a temporary one)
#     store    the store's directory (default: DIR/store)
#     index    the index, and with database a database to share: OCI::Index
#     blobs    the blob store, with s3 and s3_settings: OCI::Blobs
#
# In configuration @PORT@, @PORT2@ ... are replaced by the ports, and @DIR@ and
# @STORE@ by the directories.

package OCI::Server;

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use File::Temp ();
use IO::Socket::INET;
use OCI::Blobs;
use OCI::Index;
use OCI::Ports qw(free_port free_ports listens release);
use OCI::Process;
use Test::More ();
use Time::HiRes qw(sleep time);

our $TOP = dirname(dirname(dirname(dirname(abs_path(__FILE__)))));

my %MPM = (
    event => <<'END',
StartServers 2
ThreadsPerChild 8
MinSpareThreads 8
MaxSpareThreads 24
ServerLimit 8
MaxRequestWorkers 64
END
    prefork => <<'END',
StartServers 4
MinSpareServers 2
MaxSpareServers 8
ServerLimit 40
MaxRequestWorkers 40
END
);
$MPM{worker} = $MPM{event};

my (%query, @live);

# The value of a variable of apxs.
sub apxs {
    my $name = shift;
    my $apxs = $ENV{APXS} || 'apxs';
    chomp($query{$name} //= `$apxs -q $name`);
    return $query{$name};
}

sub sanitized {
    return $ENV{OCI_SANITIZE}
        // ($0 =~ m{\.build/(?:san|index|blobs)/} ? 1 : 0);
}

# The directory with the module and ociadmin.
sub build_of {
    my $sanitize = shift;
    return "$TOP/.build/"
        . (!$sanitize ? 'mod' : $sanitize eq 'thread' ? 'tsan' : 'san');
}

sub start {
    my ($class, %option) = @_;
    my $self = bless {
        mpm      => 'event',
        sanitize => $class->sanitized,
        expected => [],
        allowed  => [],
        owner    => $$,
        %option
    }, $class;
    $self->{index} = OCI::Index->new(%option);
    $self->{blobs} = OCI::Blobs->new(%option);
    $self->make_directories;
    push @live, $self;
    for (1 .. 20) {
        $self->{listen} = [ free_ports($option{ports} // 1) ];
        return $self if $self->launch;
        last if $self->log !~ /could not bind/;
        unlink "$self->{dir}/output", $self->error_log;
    }
    my $log = $self->log;
    $self->stop_quietly;
    die "httpd did not start:\n$log\n";
}

# Start httpd with a wrong configuration.  Returns its error message if it
# refused to start, otherwise ''.
sub refuses {
    my ($class, %option) = @_;
    my $self = eval { $class->start(%option) };
    return $self ? ($self->stop_quietly, '')[1] : $@;
}

# What "httpd -t" says about a configuration: the exit status and the output.
# The options are those of start, or the server's own.
sub configtest {
    my ($self, %option) = @_;
    if (!ref $self) {
        $self = bless { mpm => 'event', sanitize => $self->sanitized,
            listen => [ free_port() ], %option,
            index => OCI::Index->new(%option),
            blobs => OCI::Blobs->new(%option) }, $self;
        $self->make_directories;
    }
    $self->set;
    local %ENV = (%ENV, $self->environment);
    my $output = `@{[ $self->command ]} -t 2>&1`;
    my $status = $? >> 8;
    return { status => $status,
        output => join '', $output, map { slurp($_) } $self->reports };
}

sub command {
    my $self = shift;
    return (apxs('SBINDIR') . '/' . apxs('PROGNAME'), '-d', $self->{dir},
        '-f', "$self->{dir}/httpd.conf");
}

sub make_directories {
    my $self = shift;
    if (!$self->{dir}) {
        $self->{temporary} = File::Temp->newdir('mod_oci-XXXXXX', TMPDIR => 1);
        $self->{dir} = "$self->{temporary}";
    }
    chmod 0755, $self->{dir};
    for my $dir_name (qw(htdocs store)) {
        mkdir "$self->{dir}/$dir_name";
        chown((getpwnam(user()))[ 2, 3 ], "$self->{dir}/$dir_name") if !$>;
    }
    mkdir "$self->{dir}/reports";
    chmod 01777, "$self->{dir}/reports";
    return;
}

# The user of httpd's children if root runs the tests.
sub user {
    for my $name (qw(www-data apache http daemon nobody)) {
        return $name if defined getpwnam $name;
    }
    die "no user for httpd's children\n";
}

sub DESTROY { release(@{ $_[0]{listen} // [] }) }

# Start httpd on the chosen ports, for the first time or after a stop or kill.
sub launch {
    my $self = shift;
    my $dir = $self->{dir};
    unlink "$dir/httpd.pid";
    open my $file, '>', "$dir/httpd.conf" or die "$dir/httpd.conf: $!\n";
    print $file $self->text;
    close $file or die "$dir/httpd.conf: $!\n";

    $self->{process} = OCI::Process->start(
        command => [ $self->command, '-DFOREGROUND' ],
        output => "$dir/output",
        env    => { $self->environment }
    );
    return $self->{process}->wait_for(
        sub { -s "$dir/httpd.pid" && $self->answers });
}

# The environment variables of httpd.
sub environment {
    my $self = shift;
    my $dir = $self->{dir};
    my %env = (%{ $self->{env} // {} }, OCI_DIR => $dir);
    return %env if !$self->{sanitize};
    chomp(my @libraries = map { `gcc -print-file-name=$_.so` }
          qw(libasan libubsan));
    return (
        LD_PRELOAD    => join(' ', @libraries),
        ASAN_OPTIONS  => "detect_leaks=0:log_path=$dir/reports/asan",
        UBSAN_OPTIONS => "print_stacktrace=1:log_path=$dir/reports/ubsan",
        TSAN_OPTIONS  => 'exitcode=0:history_size=4:'
            . "log_path=$dir/reports/tsan",
        %env
    );
}

sub answers {
    my $self = shift;
    return IO::Socket::INET->new(
        PeerAddr => '127.0.0.1',
        PeerPort => $self->port,
        Timeout  => 5
    );
}

sub text {
    my $self = shift;
    my $modules = build_of($self->{sanitize}) . '/.libs';
    my $blobs = $self->{blobs};
    my %seen;
    my @load = map { load($_) } grep { !$seen{$_}++ } "mpm_$self->{mpm}",
        qw(unixd log_config authz_core), $self->{index}->modules,
        @{ $self->{modules} // [] };
    my @listen = map { "Listen 127.0.0.1:$_" } @{ $self->{listen} };
    my @user_lines = $> ? () : (
        'User ' . user(),
        'Group ' . getgrgid((getpwnam(user()))[3])
    );
    my $config = $self->{config} // '';
    my $policy = $config =~ /^\s*<?Require/m ? '' : 'Require all granted';
    my $store = $config =~ /^\s*OCIBlobStore/m ? '' : $blobs->directive;
    my $location = $self->{location}
        // "SetHandler oci-registry\n$store\n$policy\n$config";
    my $text = join "\n", @load, "LoadModule oci_module $modules/mod_oci.so",
        $blobs->load($modules), @user_lines, @listen,
        $MPM{ $self->{mpm} }, 'ServerName 127.0.0.1:@PORT@',
        'DefaultRuntimeDir @DIR@', 'PidFile @DIR@/httpd.pid',
        'CoreDumpDirectory @DIR@/reports', 'DocumentRoot @DIR@/htdocs',
        'ErrorLog @DIR@/error_log', "LogLevel " . ($self->{level} // 'info'),
        'CustomLog @DIR@/access_log "%>s %r"', $self->{index}->text,
        $blobs->text($self->{dir}), $self->{extra} // '',
        '<Location "/v2/">', $location, '</Location>', $self->{after} // '', '';
    $text =~ s/\@PORT(\d*)\@/$self->{listen}[($1 || 1) - 1]/g;
    $text =~ s/\@DIR\@/$self->{dir}/g;
    $text =~ s/\@STORE\@/$self->store/ge;
    return $text;
}

# A LoadModule line, unless the module is part of this httpd.
sub load {
    my $name = shift;
    my $path = apxs('LIBEXECDIR') . "/mod_$name.so";
    return -e $path ? "LoadModule ${name}_module $path" : ();
}

sub port  { $_[0]{listen}[ ($_[1] // 1) - 1 ] }
sub host  { '127.0.0.1:' . $_[0]->port($_[1]) }
sub url   { 'http://' . $_[0]->host($_[1]) }
sub dir   { $_[0]{dir} }
sub store { $_[0]{store} // "$_[0]{dir}/store" }
sub index { $_[0]{index}->name }
sub blobs { $_[0]{blobs}->name }

# How many files, or objects, with this many bytes the blob store has.
sub copies { $_[0]{blobs}->copies($_[0]->store, $_[1]) }

sub pid   { $_[0]{process}->pid }
sub error_log  { "$_[0]{dir}/error_log" }
sub access_log { "$_[0]{dir}/access_log" }

# httpd's child processes.
sub children {
    my $self = shift;
    my $pid = $self->pid;
    return split ' ', `ps -o pid= --ppid $pid`;
}

# All output of httpd so far.
sub log {
    my $self = shift;
    return slurp("$self->{dir}/output") . slurp($self->error_log);
}

# The value of a fact in an index fs, which is a symbolic link or a file.
sub fact {
    my $path = shift;
    return readlink($path) // slurp($path);
}

sub slurp {
    my $path = shift;
    open my $file, '<:raw', $path or return '';
    local $/;
    return <$file> // '';
}

# Write a file; returns its path.
sub spew {
    my ($path, $bytes) = @_;
    open my $file, '>:raw', $path or die "$path: $!\n";
    print $file $bytes;
    close $file or die "$path: $!\n";
    return $path;
}

# Lines of the log that are not faults: expects() lines must appear, allows()
# lines may.
sub expects { my $self = shift; push @{ $self->{expected} }, @_; return }
sub allows  { my $self = shift; push @{ $self->{allowed} },  @_; return }

# Change options (config, extra ...).  They take effect with graceful, restart,
# or halt and again.
sub set {
    my ($self, %option) = @_;
    @$self{ keys %option } = values %option;
    open my $file, '>', "$self->{dir}/httpd.conf" or die "httpd.conf: $!\n";
    print $file $self->text;
    return close $file;
}

sub graceful { $_[0]->reload('USR1') }
sub restart  { $_[0]->reload('HUP') }

# Send the signal, and return when the new generation answers.
sub reload {
    my ($self, $signal) = @_;
    my $ready = qr/resuming normal operations/;
    my $before = () = $self->log =~ /$ready/g;
    my @before_end = (-s $self->error_log // 0, $self->reports);
    my @old = $self->children;
    $self->{process}->signal($signal);
    $self->{process}->wait_for(
        sub { (() = $self->log =~ /$ready/g) > $before && $self->answers })
        or die "httpd did not come back:\n" . $self->log;

    # An old child accepts connections until it has seen the signal.
    my $end = time + 60;
    sleep 0.02
        while time < $end && grep { listens($_, @{ $self->{listen} }) } @old;
    $end = time + 2;
    sleep 0.02 while time < $end && grep { kill 0, $_ } @old;
    $self->ignore_shutdown_errors(@before_end) if $signal eq 'HUP';
    return;
}

# Kill httpd as a crash of the machine would; again() restarts it.
sub kill9 {
    my $self = shift;
    $self->{process}->kill9;
    return;
}

# A child of httpd's event MPM may crash when it gets SIGTERM while connections
# are open; this sometimes happens without this module, too.  Its log lines and
# sanitizer reports between the signal and the end are ignored, unless a report
# contains one of our functions.  On a busy machine httpd may repeat SIGTERM,
# after 3 s; a child that it kills in the end, after 9 s, is a fault.
sub ignore_shutdown_errors {
    my ($self, $from, @reports) = @_;
    $self->{ignored}{$_} = 1
        for grep { /AH00052:.*Segmentation[ ]fault|AH00045:
                    |\[mpm_event:error\].*Bad[ ]file[ ]descriptor/x }
            split /\n/, substr slurp($self->error_log), $from;
    $self->{ignored}{ slurp($_) } = 1
        for grep { my $r = $_; !grep { $_ eq $r } @reports }
            grep { slurp($_) !~ /\boci_|mod_oci/ } $self->reports;
    return;
}

sub reports { glob "$_[0]{dir}/reports/*" }

# Stop httpd without a test, which is left to stop(); again() restarts it.
sub halt {
    my $self = shift;
    my @before_end = (-s $self->error_log // 0, $self->reports);
    $self->{process}->stop
        or push @{ $self->{faults} }, 'httpd did not exit after SIGTERM';
    $self->ignore_shutdown_errors(@before_end);
    return;
}

# Start again with the same ports and store.
sub again {
    my $self = shift;
    $self->launch or die "httpd did not start again:\n" . $self->log;
    return;
}

# mod_ssl logs this if the installed OpenSSL is older than the one that it was
# built with.
my $OLD_OPENSSL = qr/AH01882: Init: this version of mod_ssl was compiled/;

# The faults so far: unexpected lines of the error log, expected lines that are
# missing, crashes, and sanitizer reports.
sub faults {
    my $self = shift;
    my @faults = @{ $self->{faults} // [] };
    my %seen;
    for my $line (split /\n/, $self->log) {
        my @known = grep { $line =~ $_ }
            @{ $self->{expected} }, @{ $self->{allowed} };
        $seen{$_}++ for @known;
        next if @known || $self->{ignored}{$line}
            || $line =~ $OLD_OPENSSL;
        push @faults, $line
            if $line =~ /\[[\w.-]*:(?:emerg|alert|crit|error|warn)\]/
            || $line =~ /exit signal|core dump|runtime error:/
            || $line !~ /^\[/ && $line =~ /\S/;
    }
    push @faults, "not in the log: $_"
        for grep { !$seen{$_} } @{ $self->{expected} };
    push @faults, grep { !$self->{ignored}{$_} } map { ours($_) }
        $self->reports;
    return @faults;
}

# The reports in a file, without the races of httpd alone: it has some, such as a
# thread that closes a socket while another one polls.
sub ours {
    my $path = shift;
    my $text = slurp($path);
    return $path !~ m{/tsan[^/]*\z} ? $text
        : grep { /mod_oci\.so|(?:ERROR|FATAL): |CHECK failed/ }
            split /(?<=\n)={18}\n/, $text;
}

# Stop httpd; one test: it had no faults.
sub stop {
    my ($self, $name) = @_;
    $self->stop_quietly;
    my @faults = $self->faults;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $ok = Test::More::ok(!@faults, $name // 'httpd had no faults');
    Test::More::diag($_) for @faults;
    delete $self->{temporary};
    return $ok;
}

sub stop_quietly {
    my $self = shift;
    @live = grep { $_ != $self } @live;
    $self->halt if $self->{process} && $self->{process}->alive;
    return;
}

# Servers that the script did not stop are checked when it ends.
END {
    my $status = $?;
    my @left = grep { $_->{owner} == $$ } @live;
    for my $self (@left) {
        $self->stop_quietly;
        my @faults = $self->faults;
        Test::More::diag($_) for @faults;
        $status ||= 1 if @faults;
        delete $self->{temporary};
    }
    $? = $status;
}

1;
