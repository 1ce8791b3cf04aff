# SPDX-License-Identifier: Apache-2.0

# A private httpd with the module.
#
#     my $server = OCI::Server->start(config => "OCIReadOnly On");
#     ... $server->port, ->host, ->url, ->store, ->dir ...
#     $server->expects(qr/truncated/);      # a line that must be in the log
#     $server->stop;                        # one test: was all well?
#
# Options of start:
#
#     config   what <Location "/v2/"> holds beside the handler, the store and
#              (unless it names a policy) "Require all granted"
#     location what it holds, all of it
#     extra    text for the server, before the Location
#     after    text for the server, behind the Location
#     mpm      event (default), worker or prefork
#     modules  names of further modules, such as "http2"
#     ports    how many ports to listen on (1)
#     level    for LogLevel (info)
#     env      further environment variables
#     sanitize whether to load the sanitized module; otherwise OCI_SANITIZE
#              in the environment says so, or a test file below .build/san or
#              .build/index
#     dir      a folder to use, rather than a temporary one
#     store    the store's folder, rather than DIR/store
#     index    which index, and database, where it is to share one: OCI::Index
#
# In texts @PORT@, @PORT2@ ... stand for the ports, @DIR@ and @STORE@ for
# folders.  Server and store live in a temporary folder.

package OCI::Server;

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use File::Temp ();
use IO::Socket::INET;
use OCI::Index;
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

# What apxs says of a variable.
sub apxs {
    my $name = shift;
    my $apxs = $ENV{APXS} || 'apxs';
    chomp($query{$name} //= `$apxs -q $name`);
    return $query{$name};
}

sub sanitized { $ENV{OCI_SANITIZE} // ($0 =~ m{\.build/(?:san|index)/} ? 1 : 0) }

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
    $self->make_folder;
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

# Start it where the configuration is wrong: true when it refused, as it
# should; why is then in log.
sub refuses {
    my ($class, %option) = @_;
    my $self = eval { $class->start(%option) };
    return $self ? ($self->stop_quietly, '')[1] : $@;
}

sub make_folder {
    my $self = shift;
    if (!$self->{dir}) {
        $self->{temporary} = File::Temp->newdir('mod_oci-XXXXXX', TMPDIR => 1);
        $self->{dir} = "$self->{temporary}";
    }
    chmod 0755, $self->{dir};
    for my $folder (qw(htdocs store)) {
        mkdir "$self->{dir}/$folder";
        chown((getpwnam(user()))[ 2, 3 ], "$self->{dir}/$folder") if !$>;
    }
    mkdir "$self->{dir}/reports";
    chmod 01777, "$self->{dir}/reports";
    return;
}

# Whom httpd's children become where root runs the tests.
sub user {
    for my $name (qw(www-data apache http daemon nobody)) {
        return $name if defined getpwnam $name;
    }
    die "no user for httpd's children\n";
}

# Free ports, each of them once.
sub free_ports {
    my ($count) = @_;
    my %port;
    $port{ free_port() } = 1 while keys %port < $count;
    return sort { $a <=> $b } keys %port;
}

# A port below those that the system gives to outgoing connections.  Who takes
# it before httpd does makes httpd fail, and start() try again.
sub free_port {
    for (1 .. 1000) {
        my $port = 12000 + int rand 18000;
        return $port if IO::Socket::INET->new(
            LocalAddr => '127.0.0.1',
            LocalPort => $port,
            Listen    => 1,
            ReuseAddr => 1
        );
    }
    die "no free port\n";
}

# Start httpd on the ports chosen; again, after a stop or a kill.
sub launch {
    my $self = shift;
    my $dir = $self->{dir};
    unlink "$dir/httpd.pid";
    open my $file, '>', "$dir/httpd.conf" or die "$dir/httpd.conf: $!\n";
    print $file $self->text;
    close $file or die "$dir/httpd.conf: $!\n";

    my %env = (%{ $self->{env} // {} }, OCI_DIR => $dir);
    if ($self->{sanitize}) {
        chomp(my @libraries = map { `gcc -print-file-name=$_.so` }
              qw(libasan libubsan));
        %env = (
            LD_PRELOAD    => join(' ', @libraries),
            ASAN_OPTIONS  => "detect_leaks=0:log_path=$dir/reports/asan",
            UBSAN_OPTIONS =>
                "print_stacktrace=1:log_path=$dir/reports/ubsan",
            %env
        );
    }
    $self->{process} = OCI::Process->start(
        command => [
            apxs('SBINDIR') . '/' . apxs('PROGNAME'),
            '-d', $dir, '-f', "$dir/httpd.conf", '-DFOREGROUND'
        ],
        output => "$dir/output",
        env    => \%env
    );
    return $self->{process}->wait_for(
        sub { -s "$dir/httpd.pid" && $self->answers });
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
    my $module = "$TOP/.build/" . ($self->{sanitize} ? 'san' : 'mod')
               . '/.libs/mod_oci.so';
    my %seen;
    my @load = map { load($_) } grep { !$seen{$_}++ } "mpm_$self->{mpm}",
        qw(unixd log_config authz_core), $self->{index}->modules,
        @{ $self->{modules} // [] };
    my @listen = map { "Listen 127.0.0.1:$_" } @{ $self->{listen} };
    my @who = $> ? () : (
        'User ' . user(),
        'Group ' . getgrgid((getpwnam(user()))[3])
    );
    my $config = $self->{config} // '';
    my $policy = $config =~ /^\s*<?Require/m ? '' : 'Require all granted';
    my $location = $self->{location}
        // "SetHandler oci-registry\nOCIBlobStore fs \@STORE@\n$policy\n$config";
    my $text = join "\n", @load, "LoadModule oci_module $module", @who, @listen,
        $MPM{ $self->{mpm} }, 'ServerName 127.0.0.1:@PORT@',
        'DefaultRuntimeDir @DIR@', 'PidFile @DIR@/httpd.pid',
        'CoreDumpDirectory @DIR@/reports', 'DocumentRoot @DIR@/htdocs',
        'ErrorLog @DIR@/error_log', "LogLevel " . ($self->{level} // 'info'),
        'CustomLog @DIR@/access_log "%>s %r"', $self->{index}->text,
        $self->{extra} // '',
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
sub pid   { $_[0]{process}->pid }
sub error_log  { "$_[0]{dir}/error_log" }
sub access_log { "$_[0]{dir}/access_log" }

# The processes that answer.
sub children {
    my $self = shift;
    my $pid = $self->pid;
    return split ' ', `ps -o pid= --ppid $pid`;
}

# All that httpd said so far.
sub log {
    my $self = shift;
    return slurp("$self->{dir}/output") . slurp($self->error_log);
}

sub slurp {
    my $path = shift;
    open my $file, '<:raw', $path or return '';
    local $/;
    return <$file> // '';
}

# Lines of the log that are no fault: the first must come, the second may.
sub expects { my $self = shift; push @{ $self->{expected} }, @_; return }
sub allows  { my $self = shift; push @{ $self->{allowed} },  @_; return }

# New configuration texts (config, extra ...) take effect with graceful,
# restart, or stop and again.
sub set {
    my ($self, %option) = @_;
    @$self{ keys %option } = values %option;
    open my $file, '>', "$self->{dir}/httpd.conf" or die "httpd.conf: $!\n";
    print $file $self->text;
    return close $file;
}

sub graceful { $_[0]->reload('USR1') }
sub restart  { $_[0]->reload('HUP') }

# Returns when the new generation answers.
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

    # One of the old may take one more connection before it knows.
    my $end = time + 2;
    sleep 0.02 while time < $end && grep { kill 0, $_ } @old;
    $self->forgive_ending(@before_end) if $signal eq 'HUP';
    return;
}

# As the machine's end does to httpd; again() starts it anew.
sub kill9 {
    my $self = shift;
    $self->{process}->kill9;
    return;
}

# httpd's event MPM may crash in a child that gets SIGTERM while connections
# are open: it does so now and then without this module, too.  What it says of
# that between the signal and the end is forgiven, unless a sanitizer saw a
# function of ours.
sub forgive_ending {
    my ($self, $from, @reports) = @_;
    $self->{forgiven}{$_} = 1
        for grep { /AH00052:.*Segmentation[ ]fault
                    |\[mpm_event:error\].*Bad[ ]file[ ]descriptor/x }
            split /\n/, substr slurp($self->error_log), $from;
    $self->{forgiven}{ slurp($_) } = 1
        for grep { my $r = $_; !grep { $_ eq $r } @reports }
            grep { slurp($_) !~ /\boci_|mod_oci/ } $self->reports;
    return;
}

sub reports { glob "$_[0]{dir}/reports/*" }

# Stop without a verdict, which the last stop gives; again() starts it anew.
sub halt {
    my $self = shift;
    my @before_end = (-s $self->error_log // 0, $self->reports);
    $self->{process}->stop
        or push @{ $self->{faults} }, 'httpd did not end on SIGTERM';
    $self->forgive_ending(@before_end);
    return;
}

# Start on the same ports and store.
sub again {
    my $self = shift;
    $self->launch or die "httpd did not start again:\n" . $self->log;
    return;
}

# What mod_ssl says of the machine's packages, where OpenSSL is older than the
# one that it was built with.
my $OLD_OPENSSL = qr/AH01882: Init: this version of mod_ssl was compiled/;

# What went wrong so far: undeclared lines of the error log, declared ones
# that are not there, crashes, and what a sanitizer reported.
sub faults {
    my $self = shift;
    my @faults = @{ $self->{faults} // [] };
    my %seen;
    for my $line (split /\n/, $self->log) {
        my @known = grep { $line =~ $_ }
            @{ $self->{expected} }, @{ $self->{allowed} };
        $seen{$_}++ for @known;
        next if @known || $self->{forgiven}{$line}
            || $line =~ $OLD_OPENSSL;
        push @faults, $line
            if $line =~ /\[[\w.-]*:(?:emerg|alert|crit|error|warn)\]/
            || $line =~ /exit signal|core dump|runtime error:/
            || $line !~ /^\[/ && $line =~ /\S/;
    }
    push @faults, "not in the log: $_"
        for grep { !$seen{$_} } @{ $self->{expected} };
    push @faults, grep { !$self->{forgiven}{$_} } map { slurp($_) }
        $self->reports;
    return @faults;
}

# End it; one test.
sub stop {
    my ($self, $name) = @_;
    $self->stop_quietly;
    my @faults = $self->faults;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $ok = Test::More::ok(!@faults, $name // 'httpd was well');
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

# A server that no one stopped is judged at the end all the same.
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
