# SPDX-License-Identifier: Apache-2.0

# The blob store of a server, under the name that tests use: fs, or s3:SERVER
# with a server of OCI::S3, such as s3:strict.  With s3:SERVER pulls are
# redirected to the bucket; with s3:SERVER:stream they go through httpd.
#
# The default is OCI_BLOBS in the environment; for a test file below
# .build/blobs/NAME/ it is NAME, with s3-strict-stream for s3:strict:stream, and
# s3-s3s.fs for s3:s3s-fs; otherwise it is fs.
#
# All registries of a test file share one S3 server and its bucket; the prefix
# of each is the path of its store.

package OCI::Blobs;

use strict;
use warnings;

use OCI::Client;
use Test::More ();

my %shared;    # the S3 servers of this test file, by name

# The blob store that OCI_BLOBS or the script's directory names, or undef.
sub named {
    my ($directory) = $0 =~ m{\.build/blobs/([^/]+)/};
    return $ENV{OCI_BLOBS}
        // ($directory && $directory =~ tr/-/:/r =~ tr/./-/r);
}

sub name_of { my %option = @_; return $option{blobs} // named() // 'fs' }

# Options, as for OCI::Server: blobs; s3, an OCI::S3 to use; s3_settings.
sub new {
    my ($class, %option) = @_;
    my $name = name_of(%option);
    my ($provider, $server, $mode) = split /:/, $name;
    my $self = bless { name => $name, provider => $provider,
        mode => $mode // '', settings => $option{s3_settings} // {} }, $class;
    return $self if $provider eq 'fs';
    require OCI::S3;
    $self->{s3} = $option{s3} // ($shared{$server} //=
        OCI::S3->start($server) // Test::More::plan(skip_all =>
            OCI::S3->missing($server)));
    return $self;
}

sub name { $_[0]{name} }
sub s3   { $_[0]{s3} }

# Whether pulls are redirected, unless a test configures something else.
sub redirects { $_[0]{s3} && $_[0]{mode} ne 'stream' ? 1 : 0 }

# The prefix of all keys: the store is an absolute path.
sub prefix { $_[1] =~ s{\A/+}{}r }

sub location {
    my ($self, $store) = @_;
    return $self->{provider} eq 'fs' ? $store
        : "s3://$self->{s3}{bucket}$store";
}

# The blob store as an argument of ociadmin, which also needs environment().
sub argument {
    my ($self, $store) = @_;
    return "$self->{provider} " . $self->location($store);
}

sub environment {
    my $self = shift;
    my $s3 = $self->{s3} or return ();
    return (AWS_ENDPOINT_URL => $s3->url, AWS_REGION => $s3->region,
        AWS_ACCESS_KEY_ID => $s3->key, AWS_SECRET_ACCESS_KEY => $s3->secret);
}

# The LoadModule line of the store, from a directory of modules.
sub load {
    my ($self, $modules) = @_;
    return $self->{provider} eq 'fs' ? ()
        : "LoadModule oci_s3_module $modules/mod_oci_s3.so";
}

# The directive that names the store.
sub directive { "OCIBlobStore $_[0]{provider} " . $_[0]->location('@STORE@') }

# The store's lines in the server's configuration; dir is for the credentials.
# s3_settings replaces lines of these, and adds others; undef omits one.
sub text {
    my ($self, $dir) = @_;
    my $s3 = $self->{s3} or return '';
    my $file = OCI::Server::spew("$dir/credentials", credentials($s3));
    my %line = (OCIS3Endpoint => $s3->url, OCIS3Region => $s3->region,
        OCIS3PathStyle => 'On', OCIS3Credentials => "file $file",
        $self->{mode} eq 'stream' ? (OCIRedirect => 'Off') : (),
        %{ $self->{settings} });
    return join '', map { "$_ $line{$_}\n" }
        grep { defined $line{$_} } sort keys %line;
}

# The text of a credentials file.
sub credentials {
    my $keys = shift;
    return "[default]\naws_access_key_id = $keys->{key}\n"
        . "aws_secret_access_key = $keys->{secret}\n"
        . ($keys->{token} ? "aws_session_token = $keys->{token}\n" : '');
}

# ---- what is stored

# How many files, or objects, of a store have this many bytes.
sub copies {
    my ($self, $store, $size) = @_;
    return scalar grep { $_ == $size } values %{ $self->objects($store) }
        if $self->{s3};
    return scalar split /\n/, `find $store -type f -size ${size}c`;
}

# The keys below the prefix of a store, and their sizes.
sub objects {
    my ($self, $store) = @_;
    my $client = OCI::S3::Client->new($self->{s3});
    my $prefix = prefix($self, $store) . '/';
    my (%size, $next);
    do {
        my $res = $client->send(GET => undef, query => { 'list-type' => 2,
            prefix => $prefix, defined $next
            ? ('continuation-token' => $next) : () });
        die 'list: ' . $res->text . "\n" if $res->status != 200;
        for my $entry ($res->body =~ m{<Contents>(.*?)</Contents>}gs) {
            my ($key) = $entry =~ m{<Key>(.*?)</Key>};
            my ($size) = $entry =~ m{<Size>(\d+)</Size>};
            $size{ substr OCI::S3::Client::plain($key), length $prefix }
                = $size;
        }
        $next = OCI::S3::Client::element($res, 'NextContinuationToken');
    } while (defined $next);
    return \%size;
}

1;
