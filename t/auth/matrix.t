# SPDX-License-Identifier: Apache-2.0

# The matrix of permissions: every mode, every caller, every operation.

use OCI::Test;
use OCI::Auth;
use OCI::Certificates;
use OCI::Directory;

# The expected answer of each operation.  For the catalog, letters stand for the
# listed repositories: (p)ub, (t)eam, (s)ecret.
my @OPERATIONS = qw(ping pull public push mount hidden delete catalog);
my %FULL = (
    reader => [qw(200 200 200 403 403 403 403 pt)],
    writer => [qw(200 200 200 202 201 202 403 pt)],
    admin  => [qw(200 200 200 202 201 201 202 pst)],
);
my @refused = (401) x 8;
my %EXPECTED = (
    'open' => { map { $_ => [qw(200 200 200 202 201 201 202 pst)] }
        qw(anonymous reader writer admin wrong) },
    'Basic only' => { %FULL, anonymous => [@refused], wrong => [@refused] },
    'Basic, open pull' => { %FULL, wrong => [@refused],
        anonymous => [qw(200 401 200 401 401 401 401 p)] },
    'LDAP groups' => { %FULL, anonymous => [@refused], wrong => [@refused] },

    # A token has only the scopes that the policy grants: insufficient_scope.
    'tokens' => {
        anonymous => [@refused],
        reader    => [qw(200 200 200 401 401 401 401 pt)],
        writer    => [qw(200 200 200 202 201 202 401 pt)],
        admin     => $FULL{admin},
        wrong     => [@refused],
    },
    'tokens, open pull' => {
        anonymous => [qw(200 401 200 401 401 401 401 p)],
        reader    => [qw(200 200 200 401 401 401 401 pt)],
        writer    => [qw(200 200 200 202 201 202 401 pt)],
        admin     => $FULL{admin},
        wrong     => [qw(401 401 200 401 401 401 401 401)],
    },

    # A certificate of another authority ends the connection.
    'certificates' => { %FULL, anonymous => [ (403) x 8 ],
        wrong => [ (0) x 8 ] },
);

# Clients send credentials only if they are asked to: so a wrong password is
# not noticed if anonymous callers may read.

my @CALLERS = qw(anonymous reader writer admin wrong);
my %sub = (
    ping    => sub { (GET    => '/v2/') },
    pull    => sub { (GET    => '/v2/team/image/manifests/v1') },
    public  => sub { (GET    => '/v2/pub/image/manifests/v1') },
    push    => sub { (POST   => '/v2/team/new/blobs/uploads/') },
    mount   => sub { (POST   => "/v2/team/$_[0]/blobs/uploads/"
        . "?mount=$_[1]{pub}&from=pub/image") },
    hidden  => sub { (POST   => "/v2/team/$_[0]/blobs/uploads/"
        . "?mount=$_[1]{secret}&from=secret/image") },
    delete  => sub { (DELETE => "/v2/team/image/manifests/$_[0]") },
    catalog => sub { (GET    => '/v2/_catalog') },
);

# Push the content while all callers may do everything.
sub fill {
    my $server = shift;
    my $client = OCI::Client->new($server);
    my %blob;
    for my $prefix (qw(pub team secret)) {
        my $layer = "layer of $prefix";
        $client->push_image("$prefix/image", 'v1', layers => [$layer]);
        $blob{$prefix} = digest_of($layer);
    }
    $client->push_image('team/image', $_, annotations => { for => $_ })
        for @CALLERS;
    return \%blob;
}

sub answer_of {
    my ($res, $operation) = @_;
    return $res->status if $operation ne 'catalog' || $res->status != 200;
    my %letters = map { substr($_, 0, 1) => 1 }
        @{ $res->json->{repositories} };
    return join '', sort keys %letters;
}

# One test for each operation, and one for the form of refusals.
sub row {
    my ($mode, $name, $caller, $blob) = @_;
    my @expected = @{ $EXPECTED{$mode}{$name} };
    my (%got, @faults);
    for my $operation (@OPERATIONS) {
        my $res = $caller->request($sub{$operation}->($name, $blob));
        my $expected = shift @expected;
        is(answer_of($res, $operation), $expected,
            "$mode: $name: $operation") or diag($res->text);
        next if $res->status < 400;
        my $code = { 401 => 'UNAUTHORIZED', 403 => 'DENIED' }
            ->{ $res->status };
        push @faults, map { "$operation: $_" }
            OCI::Test::error_faults($res, $res->status, $code);
        my $challenges = $res->headers('WWW-Authenticate');
        push @faults, "$operation: $challenges challenges"
            if $challenges != ($res->status == 401);
    }
    is("@faults", '', "$mode: $name: refusals are OCI JSON with one challenge");
    return;
}

for my $mode (sort keys %EXPECTED) {
    subtest $mode => sub {
        my %option;
        if ($mode eq 'LDAP groups') {
            my $directory = OCI::Directory->start
                or plan skip_all => 'slapd or mod_authnz_ldap is not there';
            %option = (directory => $directory);
        }
        my $tls = $mode eq 'certificates' && OCI::Certificates->new;
        plan skip_all => 'openssl makes no certificates, or no curl'
            if $mode eq 'certificates' && !$tls;
        my %setup = OCI::Auth::setup($mode, %option);
        my $server = OCI::Server->start(%setup,
            config => 'Require all granted');
        OCI::Auth::passwords($server);
        my $blob = fill($server);
        $server->set(config => $setup{config},
            $tls ? (extra => $tls->extra) : ());
        $server->halt;
        $server->again;
        $server->allows(qr/AH016(?:17|18|30|31)|AH0169[15]|AH0190[69]|AH01873|AH02227/);
        for my $name (@CALLERS) {
            my $caller = $tls ? $tls->caller($server, $name)
                : OCI::Auth->new($server, $name);
            row($mode, $name, $caller, $blob);
        }
        $server->stop;
        done_testing;
    };
}

done_testing;
