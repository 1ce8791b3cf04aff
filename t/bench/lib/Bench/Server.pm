# SPDX-License-Identifier: Apache-2.0

# One httpd for the module, static files and mod_dav, with the same settings, as
# few features as possible, and no access log.
#
#     /v2/      the module        /static/   files        /dav/   mod_dav
#
# The first port serves an empty store, the second the same store with
# "EnableSendfile On", the third another store, which is filled, and the seventh
# an empty store whose index is a DBM file.  Rows may add ports and virtual
# hosts.

package Bench::Server;

use strict;
use warnings;

use File::Temp ();
use parent 'OCI::Server';

# Ports by name.
use constant { EMPTY => 1, SENDFILE => 2, FULL => 3, TOKEN => 4, BCRYPT => 5,
    CACHED => 6, DBM => 7, OWN => 8 };

my $CONFIG = <<'END';
ServerName 127.0.0.1:@PORT@

MaxConnectionsPerChild 0
MaxKeepAliveRequests 0
KeepAliveTimeout 60
LimitRequestBody 0
EnableSendfile Off

DocumentRoot @DIR@/htdocs
DefaultRuntimeDir @DIR@
PidFile @DIR@/httpd.pid
ErrorLog @DIR@/error_log
LogLevel warn
DavLockDB @DIR@/lock/db

# As in httpd's default configuration: do not search for .htaccess files.
<Directory "/">
    AllowOverride None
</Directory>
<Location "/static/">
    Require all granted
</Location>
<Location "/dav/">
    Dav On
    Require all granted
</Location>
<Location "/v2/">
    SetHandler oci-registry
    OCIBlobStore fs @STORE@
    Require all granted
</Location>
<VirtualHost 127.0.0.1:@PORT2@>
    EnableSendfile On
</VirtualHost>
<VirtualHost 127.0.0.1:@PORT3@>
    <Location "/v2/">
        OCIBlobStore fs @DIR@/full
    </Location>
</VirtualHost>
<VirtualHost 127.0.0.1:@PORT4@>
    OCIToken On
    OCITokenKey @DIR@/key.pem
    <Location "/token">
        SetHandler oci-token
        AuthType Basic
        AuthName registry
        AuthBasicProvider file
        AuthUserFile @DIR@/passwd
        Require valid-user
    </Location>
    <Location "/v2/">
        <RequireAll>
            Require valid-user
            Require oci pull,push bench/**
        </RequireAll>
    </Location>
</VirtualHost>
<VirtualHost 127.0.0.1:@PORT5@>
    <Location "/v2/">
        AuthType Basic
        AuthName registry
        AuthBasicProvider file
        AuthUserFile @DIR@/passwd
        <RequireAll>
            Require valid-user
            Require oci pull,push bench/**
        </RequireAll>
    </Location>
</VirtualHost>
<VirtualHost 127.0.0.1:@PORT6@>
    <Location "/v2/">
        AuthType Basic
        AuthName registry
        AuthBasicProvider socache file
        AuthnCacheProvideFor file
        AuthUserFile @DIR@/passwd
        <RequireAll>
            Require valid-user
            Require oci pull,push bench/**
        </RequireAll>
    </Location>
</VirtualHost>
<VirtualHost 127.0.0.1:@PORT7@>
    <Location "/v2/">
        OCIBlobStore fs @DIR@/dbm
        OCIIndex dbm:gdbm @DIR@/dbm/index.gdbm
    </Location>
</VirtualHost>
END

# The processes of an MPM, the same for all measurements.
sub processes {
    my ($mpm, $threads) = @_;
    my $all = 2 * $threads;
    return $mpm eq 'prefork' ? <<"PREFORK" : <<"THREADS";
StartServers 16
ServerLimit $all
MaxRequestWorkers $all
MinSpareServers 8
MaxSpareServers $all
PREFORK
StartServers 2
ServerLimit 2
ThreadLimit $threads
ThreadsPerChild $threads
MaxRequestWorkers $all
MinSpareThreads 8
MaxSpareThreads $all
THREADS
}

# Options: own, the number of additional ports; hosts, text for the end of the
# configuration; modules, names of additional modules; mpm; threads, half the
# number of requests that are served at the same time.
sub start {
    my ($class, $dir, %option) = @_;
    return $class->SUPER::start(
        ports    => OWN - 1 + ($option{own} // 0),
        more     => $option{modules} // [],
        mpm      => $option{mpm} // 'event',
        threads  => $option{threads} // 64,
        hosts    => $option{hosts} // '',
        sanitize => 0,
        dir      => File::Temp->newdir('mod_oci-XXXXXX', DIR => $dir)
    );
}

sub make_directories {
    my $self = shift;
    $self->SUPER::make_directories;
    for my $directory (qw(htdocs/static htdocs/dav lock full dbm)) {
        mkdir "$self->{dir}/$directory" or die "$directory: $!\n";
        chown((getpwnam(OCI::Server::user()))[ 2, 3 ],
            "$self->{dir}/$directory") if !$>;
    }
    return;
}

sub text {
    my $self = shift;
    my $text = join "\n",
        (map { OCI::Server::load($_) }
            "mpm_$self->{mpm}", qw(unixd authz_core auth_basic authn_core authn_file
            authn_socache authz_user socache_shmcb dav dav_fs),
            @{ $self->{more} }),
        "LoadModule oci_module $OCI::Server::TOP/.build/mod/.libs/mod_oci.so",
        $> ? () : (
            'User ' . OCI::Server::user(),
            'Group ' . getgrgid((getpwnam(OCI::Server::user()))[3])
        ),
        (map { "Listen 127.0.0.1:$_" } @{ $self->{listen} }),
        processes(@$self{qw(mpm threads)}), $CONFIG, $self->{hosts};
    $text =~ s/\@PORT(\d*)\@/$self->{listen}[($1 || 1) - 1]/g;
    $text =~ s/\@DIR\@/$self->{dir}/g;
    $text =~ s/\@STORE\@/$self->store/ge;
    return $text;
}

# Write a file that is served as /static/NAME.
sub static {
    my ($self, $name, $bytes) = @_;
    open my $file, '>:raw', "$self->{dir}/htdocs/static/$name"
        or die "$name: $!\n";
    print $file $bytes;
    close $file or die "$name: $!\n";
    return "/static/$name";
}

# Stop it and remove its directory.  If it had faults, the run fails.
sub stop {
    my $self = shift;
    $self->stop_quietly;
    my @faults = $self->faults;
    die join "\n", 'httpd had faults:', @faults, '' if @faults;
    delete $self->{dir};
    return;
}

1;
