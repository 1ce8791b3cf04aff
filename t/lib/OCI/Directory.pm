# SPDX-License-Identifier: Apache-2.0

# A private slapd on the loopback address, with the users of OCI::Auth and those
# that a test adds.  Each user is a member of a group with the same name.
#
#     my $directory = OCI::Directory->start or ... skip ...;
#     $directory->login, ->group('reader', 'writer'), ->url

package OCI::Directory;

use strict;
use warnings;

use File::Temp ();
use IO::Socket::INET;
use MIME::Base64 qw(encode_base64);
use OCI::Auth;
use OCI::Process;
use OCI::Server;

my $BASE = 'dc=example,dc=org';

sub start {
    my ($class, %option) = @_;
    my ($slapd) = grep { -x } map { "$_/slapd" } qw(/usr/sbin /usr/lib
        /usr/local/libexec), split /:/, $ENV{PATH};
    my ($schema) = grep { -e "$_/core.schema" }
        qw(/etc/ldap/schema /etc/openldap/schema);
    return if !$slapd || !$schema
        || !-e OCI::Server::apxs('LIBEXECDIR') . '/mod_authnz_ldap.so';
    my $dir = File::Temp->newdir('mod_oci-XXXXXX', TMPDIR => 1);
    my $self = bless { dir => $dir, port => OCI::Server::free_port() }, $class;
    my ($modules) = grep { -e "$_/back_mdb.so" || -e "$_/back_mdb.la" }
        qw(/usr/lib/ldap /usr/lib/openldap /usr/lib64/openldap);
    my $load = $modules ? "modulepath $modules\nmoduleload back_mdb" : '';
    mkdir "$dir/data";
    write_file("$dir/slapd.conf", <<"END");
include $schema/core.schema
include $schema/cosine.schema
include $schema/inetorgperson.schema
pidfile $dir/slapd.pid
$load
database mdb
suffix "$BASE"
rootdn "cn=root,$BASE"
rootpw root
directory $dir/data
index uid eq
END
    write_file("$dir/data.ldif", $self->entries($option{users} // []));
    system("$slapd -T add -f $dir/slapd.conf -l $dir/data.ldif "
        . ">$dir/log 2>&1") == 0 or return;
    $self->{process} = OCI::Process->start(
        command => [ $slapd, '-d', 0, '-f', "$dir/slapd.conf", '-h',
            "ldap://127.0.0.1:$self->{port}/" ],
        output => "$dir/log"
    );
    return $self->{process}->wait_for(sub {
        IO::Socket::INET->new(PeerAddr => "127.0.0.1:$self->{port}");
    }) ? $self : undef;
}

sub write_file {
    my ($path, $text) = @_;
    open my $file, '>', $path or die "$path: $!\n";
    print $file $text;
    return close $file || die "$path: $!\n";
}

# One entry; all values are written in base64.
sub entry {
    my ($dn, @pairs) = @_;
    my $text = 'dn:: ' . encode_base64($dn, '') . "\n";
    while (my ($name, $value) = splice @pairs, 0, 2) {
        $text .= "${name}:: " . encode_base64($value, '') . "\n";
    }
    return "$text\n";
}

sub entries {
    my ($self, $more) = @_;
    my %password = (%OCI::Auth::PASSWORD, @$more);
    my $text = entry($BASE, objectClass => 'dcObject',
        objectClass => 'organization', dc => 'example', o => 'example');
    $text .= entry("ou=$_,$BASE", objectClass => 'organizationalUnit', ou => $_)
        for qw(people groups);
    for my $user (sort keys %password) {
        $text .= entry("uid=$user,ou=people,$BASE",
            objectClass => 'inetOrgPerson', uid => $user, cn => $user,
            sn => $user, userPassword => $password{$user});
        $text .= entry("cn=$user,ou=groups,$BASE",
            objectClass => 'groupOfNames', cn => $user,
            member => "uid=$user,ou=people,$BASE");
    }
    return $text;
}

sub url { "ldap://127.0.0.1:$_[0]{port}/ou=people,$BASE?uid" }

sub login {
    my $self = shift;
    return join "\n", 'AuthType Basic', 'AuthName registry',
        'AuthBasicProvider ldap', 'AuthLDAPURL "' . $self->url . '"';
}

# Require lines for the members of any of these groups.
sub group {
    my ($self, @names) = @_;
    return join "\n", '<RequireAny>',
        (map { "Require ldap-group cn=$_,ou=groups,$BASE" } @names),
        '</RequireAny>';
}

sub stop { $_[0]{process}->stop }

1;
